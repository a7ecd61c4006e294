import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentLab, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';

// Each test starts worker threads from source: seconds on a busy machine.
vi.setConfig({ testTimeout: 20_000 });

let dir: string;
let lab: AgentLab;
let agents: LabAgent[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-waiting-'));
  lab = new AgentLab(dir);
  agents = [];
});
afterEach(async () => {
  await Promise.all(agents.map((one) => one.stop()));
  rmSync(dir, { recursive: true, force: true });
});

const settledOn = (agent: LabAgent, version: string) => async (): Promise<boolean> => {
  const [state] = agent.supervisor.states();
  // Traffic, so that soaks and shadows get their inferences.
  if (state?.committed || state?.phase === 'soaking') await agent.answer();
  return state?.phase === 'idle' && state.committed.version === version;
};
/** An agent with a committed 1.0.0, and 1.1.0 published. */
async function onFirst(): Promise<LabAgent> {
  lab.publish('1.0.0');
  const agent = await lab.start();
  agents.push(agent);
  agent.intake.offer(lab.assignment(1, '1.0.0'));
  await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
  lab.publish('1.1.0');
  return agent;
}
const waiting = (agent: LabAgent): string | undefined => {
  const [state] = agent.supervisor.states();
  return state && 'waiting' in state ? state.waiting?.code : undefined;
};
/** Half a year away. */
const CLOSED = {
  cron: `0 0 1 ${((new Date().getMonth() + 6) % 12) + 1} *`,
  timeZone: 'UTC',
  graceMs: 3_600_000,
};

describe('a hold', () => {
  it('of a person at the device keeps a release from starting, is reported, and ends when released', async () => {
    const agent = await onFirst();
    lab.hold = { reason: 'stocktaking', sinceMs: 1 };
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it waits', () => waiting(agent) === 'HELD_AT_DEVICE');
    expect(agent.state().phase).toBe('offered');
    expect(stateReports(await agent.reports()).at(-1)).toMatchObject({
      phase: 'offered',
      waiting: { code: 'HELD_AT_DEVICE' },
    });
    lab.hold = null;
    agent.supervisor.policyChanged();
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });

  it('of the server ends with the next assignment', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, '1.1.0', { hold: true }));
    await until('it waits', () => waiting(agent) === 'HELD_BY_SERVER');
    agent.intake.offer(lab.assignment(3, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });
});

describe('a closed maintenance window', () => {
  it('lets a release be fetched and proven, but not go live; its runner gives its memory back', async () => {
    lab.windows.push(CLOSED);
    lab.publish('1.0.0');
    const agent = await lab.start();
    agents.push(agent);
    agent.intake.offer(lab.assignment(1, '1.0.0'));
    await until('it waits', () => waiting(agent) === 'WINDOW_CLOSED');
    expect(agent.state().phase).toBe('ready');
    await until('its runner is gone', () => !lab.runner('1.0.0').isAlive);
    lab.windows.splice(0);
    agent.supervisor.policyChanged();
    await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
  });

  it('of the assignment is not waited for when the next one is urgent', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, '1.1.0', { window: CLOSED }));
    await until('it waits', () => waiting(agent) === 'WINDOW_CLOSED');
    agent.intake.offer(lab.assignment(3, '1.1.0', { window: CLOSED, urgent: true }));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
  });

  it('is waited for after a restart, too', async () => {
    const before = await onFirst();
    before.intake.offer(lab.assignment(2, '1.1.0', { window: CLOSED }));
    await until('it waits', () => waiting(before) === 'WINDOW_CLOSED');
    await before.stop();
    const agent = await lab.start();
    agents = [agent];
    await until('it waits again', () => waiting(agent) === 'WINDOW_CLOSED');
    expect(await agent.answer()).toBe('1.0.0');
  });
});

describe('a shadow', () => {
  const shadow = { minInferences: 5, deadlineMs: 60_000, samplePerMille: 1000, minAgreementPerMille: 900 };
  const phases = async (agent: LabAgent): Promise<string[]> =>
    stateReports(await agent.reports())
      .filter((one) => one.release?.version === '1.1.0')
      .map((one) => one.phase);

  it('comes before the switch, answers nobody, and its evidence is reported', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, '1.1.0', { shadow }));
    await until('it is in the shadow', () => agent.state().phase === 'shadow');
    const answers = new Set<string>();
    await until('it goes live', async () => {
      if (agent.state().phase === 'shadow') answers.add(await agent.answer());
      return agent.state().phase === 'soaking';
    });
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    expect([...answers]).toEqual(['1.0.0']);
    expect((await phases(agent)).slice(4, 7)).toEqual(['ready', 'shadow', 'activating']);
    const evidence = stateReports(await agent.reports()).find((one) => one.from === 'shadow')?.evidence;
    expect(evidence?.shadow).toMatchObject({ verdict: 'PASS', failures: 0, distancePerMille: 0 });
    expect(evidence?.shadow?.compared).toBeGreaterThanOrEqual(5);
  });

  it('that disagrees ends the release with its evidence', async () => {
    const agent = await onFirst();
    lab.behaviours.set('1.1.0', {
      shadow: () => Promise.resolve({ ok: true, agrees: false, distance: 0.5, computeUs: 5 }),
    });
    agent.intake.offer(lab.assignment(2, '1.1.0', { shadow }));
    await until('it is given up', async () => {
      await agent.answer();
      return stateReports(await agent.reports()).some((one) => one.failure);
    });
    expect(stateReports(await agent.reports()).find((one) => one.failure)).toMatchObject({
      failure: { code: 'SHADOW_DISAGREES', phase: 'shadow' },
      evidence: { shadow: { verdict: 'FAIL', agreed: 0, distancePerMille: 500 } },
      running: { version: '1.0.0' },
    });
  });

  it('that does not fit is inconclusive and does not stop the release', async () => {
    const agent = await onFirst();
    lab.memoryFreeBytes = 1_000;
    agent.intake.offer(lab.assignment(2, '1.1.0', { shadow }));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    const evidence = stateReports(await agent.reports()).find((one) => one.evidence?.shadow)?.evidence;
    expect(evidence?.shadow).toMatchObject({ verdict: 'INCONCLUSIVE' });
  });

  it('whose process dies ends the release and nothing else', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, '1.1.0', { shadow }));
    await until('it is in the shadow', () => agent.state().phase === 'shadow');
    lab.runner('1.1.0').die();
    await until('it is given up', () => agent.state().phase === 'idle');
    expect(stateReports(await agent.reports()).at(-1)).toMatchObject({
      failure: { code: 'RUNNER_CRASHED', phase: 'shadow' },
    });
    expect(await agent.answer()).toBe('1.0.0');
  });
});

describe('a download', () => {
  it('goes on where it stopped, after a restart and from another server', async () => {
    lab.publish('1.0.0');
    lab.breaksAt = 3_000;
    const before = await lab.start();
    agents.push(before);
    before.intake.offer(lab.assignment(1, '1.0.0'));
    await until('a part is here', () => lab.asked.some((one) => one.from === 3_000));
    await before.stop();
    lab.breaksAt = Number.POSITIVE_INFINITY;
    const asked = lab.asked.length;
    const agent = await lab.start();
    agents = [agent];
    await until('1.0.0 is committed', settledOn(agent, '1.0.0'));
    expect(lab.asked.slice(asked)).toContainEqual({ digest: lab.asked[asked - 1]?.digest, from: 3_000 });
  });
});

describe('a step that hangs', () => {
  it('is over at its limit, and the proven release goes on', async () => {
    const agent = await onFirst();
    lab.behaviours.set('1.1.0', { hangs: true });
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('it is tried', () => lab.started.some((one) => one.spec.version === '1.1.0'));
    lab.hourOver.abort();
    await until('it is given up', async () => stateReports(await agent.reports()).some((one) => one.failure));
    expect(stateReports(await agent.reports()).at(-1)).toMatchObject({
      failure: { code: 'STEP_TIMED_OUT', phase: 'preflight', reason: 'preflight took longer than 60 min' },
    });
    expect(await agent.answer()).toBe('1.0.0');
    await until('its runner is gone', () => !lab.runner('1.1.0').isAlive);
  });
});

describe('disk space', () => {
  it('is given back down to the active release and the one before, whatever a crash left', async () => {
    const agent = await onFirst();
    lab.publish('1.2.0');
    agent.intake.offer(lab.assignment(2, '1.1.0'));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    agent.intake.offer(lab.assignment(3, '1.2.0'));
    await until('1.2.0 is committed', settledOn(agent, '1.2.0'));
    const slots = (): string[] => readdirSync(join(dir, 'slots', 'tiny')).toSorted();
    await until('the oldest is gone', () => slots().join() === '1.1.0,1.2.0');
    await agent.stop();
    agents = [];
    const orphan = '0'.repeat(64);
    for (const folder of ['slots/tiny/.1.9.0.new', 'slots/gone/1.0.0', 'blobs/partial', 'blobs/sha256/00'])
      mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, 'blobs', 'partial', orphan), 'half');
    writeFileSync(join(dir, 'blobs', 'sha256', '00', orphan), 'whole');
    agents = [await lab.start()];
    await until('orphans are gone', () => {
      const left = ['partial', 'sha256/00'].flatMap((folder) => readdirSync(join(dir, 'blobs', folder)));
      return left.length === 0 && readdirSync(join(dir, 'slots')).join() === 'tiny';
    });
    expect(slots()).toEqual(['1.1.0', '1.2.0']);
  });
});

describe('limits of an assignment', () => {
  it('hold for the release they came with, on trial, once committed, and after a restart', async () => {
    const agent = await onFirst();
    agent.intake.offer(lab.assignment(2, '1.1.0', { limits: { inferMs: 7 } }));
    await until('1.1.0 is committed', settledOn(agent, '1.1.0'));
    expect(lab.runner('1.1.0').spec.manifest.limits.inferMs).toBe(7);
    await agent.stop();
    agents.push(await lab.start());
    await until(
      '1.1.0 is loaded again',
      () => lab.started.filter((one) => one.spec.version === '1.1.0').length > 1,
    );
    expect(lab.runner('1.1.0').spec.manifest.limits.inferMs).toBe(7);
    expect(lab.runner('1.0.0').spec.manifest.limits.inferMs).not.toBe(7);
  });
});
