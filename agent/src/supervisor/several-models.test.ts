import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssignmentModel } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentLab, type Behaviour, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';

vi.setConfig({ testTimeout: 30_000 });

let dir: string;
let lab: AgentLab;
let agent: LabAgent;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-several-'));
  lab = new AgentLab(dir);
  for (const version of ['1.0.0', '1.1.0']) lab.publish(version);
  lab.publish('5.0.0', {}, { model: 'other' });
  agent = await lab.start({ isQuick: true });
  agent.intake.offer(lab.assignmentOf(1, { '1.0.0': {}, '5.0.0': {} }));
  await until('both are committed', async () => (await isOn('tiny', '1.0.0')) && isOn('other', '5.0.0'));
});
afterEach(async () => {
  await agent.stop();
  rmSync(dir, { recursive: true, force: true });
});

const stateOf = (model: string) => agent.supervisor.states().find((one) => one.model === model);
async function isOn(model: string, version: string): Promise<boolean> {
  await agent.answer(model).catch(() => undefined);
  const state = stateOf(model);
  return state?.phase === 'idle' && state.committed.version === version;
}

interface Stuck {
  readonly behaviour?: Behaviour;
  readonly terms?: Partial<AssignmentModel>;
  readonly isDownload?: boolean;
}
const NEVER = { minInferences: 1_000_000 };
const STUCK: Readonly<Record<string, readonly [string, Stuck]>> = {
  'is held': ['offered', { terms: { hold: true } }],
  'is downloaded from a server that says nothing': ['downloading', { isDownload: true }],
  'is loaded and never comes up': ['preflight', { behaviour: { neverStarts: true } }],
  'is tried on samples that never end': ['preflight', { behaviour: { hangs: true } }],
  'is compared with requests that do not come': [
    'shadow',
    { terms: { shadow: { ...NEVER, deadlineMs: 60_000, samplePerMille: 1, minAgreementPerMille: 0 } } },
  ],
  'soaks without the requests it needs': ['soaking', { terms: NEVER }],
};

describe('a model whose release', () => {
  it.each(Object.entries(STUCK))('%s holds up no other model', async (_name, [phase, stuck]) => {
    lab.publish('5.1.0', stuck.behaviour, { model: 'other' });
    if (stuck.isDownload) lab.stuck = '5.1.0';
    const other = { '5.1.0': stuck.terms ?? {} };
    agent.intake.offer(lab.assignmentOf(2, { '1.0.0': {}, ...other }));
    await until(`it is in ${phase}`, () => stateOf('other')?.phase === phase);

    agent.intake.offer(lab.assignmentOf(3, { '1.1.0': {}, ...other }));
    await until('the other model has its next release', () => isOn('tiny', '1.1.0'));
    agent.intake.offer(lab.assignmentOf(4, other));
    await until('the other model is removed', () => stateOf('tiny')?.phase === 'empty');
    agent.intake.offer(lab.assignmentOf(5, { '1.0.0': {}, ...other }));
    await until('and comes back', () => isOn('tiny', '1.0.0'));

    expect(stateOf('other')?.phase).toBe(phase);
    expect(await agent.answer('other')).toBe(phase === 'soaking' ? '5.1.0' : '5.0.0');
    // Nothing of what it was busy with was tidied away: it goes on where it stands when it can.
    agent.intake.offer(lab.assignmentOf(6, { '1.0.0': {}, '5.0.0': {} }));
    await until('it is taken back', () => isOn('other', '5.0.0'));
  });
});

describe('releases of two models that share files', () => {
  it('are fetched at the same time, each shared file once', async () => {
    const shared = lab.shared('labels of both');
    for (const [model, version] of [
      ['tiny', '1.2.0'],
      ['other', '5.2.0'],
    ] as const) {
      const files = [shared, lab.shared(`weights of ${version}`)];
      const names = ['labels.txt', 'model.onnx'];
      lab.publish(version, {}, { model, files: files.map((file, i) => ({ path: names[i] ?? '', ...file })) });
    }
    lab.pausesMidway = true;
    agent.intake.offer(lab.assignmentOf(2, { '1.2.0': {}, '5.2.0': {} }));
    await until('both run', async () => (await isOn('tiny', '1.2.0')) && isOn('other', '5.2.0'));
    expect(lab.asked.filter(({ digest }) => digest === shared.sha256)).toHaveLength(1);
    const failures = stateReports(await agent.reports()).filter(({ failure }) => failure);
    expect(failures).toEqual([]);
  });
});
