import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentLab, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';
import { type FaultKind, FaultyPorts, type Strike } from './faulty-ports.fixture.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const coded = (code: ErrorCode): CodedError => new CodedError(code, 'struck');
const disk = (code: string): Error => Object.assign(new Error(`${code}: struck`), { code });

type Deed = 'update' | 'removal' | 'regression';
interface Row {
  readonly deed: Deed;
  readonly phase: string;
  readonly op: string;
  readonly error: unknown;
  /** The reason it is given up for after the error; without one it gets over it. */
  readonly code?: string;
  /** A hang is ended by the limit of the step; without one a restart, or the next assignment, ends it. */
  readonly isLimited?: boolean;
}
const row = (deed: Deed, phase: string, op: string, error: unknown, rest: Partial<Row> = {}): Row => ({
  deed,
  phase,
  op,
  error,
  ...rest,
});
const limited = { isLimited: true };

/** Every operation that a state waits for, with the error that is worst there. */
const OPERATIONS: readonly Row[] = [
  row('update', 'offered', 'device.facts', disk('EIO'), { code: 'STATE_NOT_WRITABLE' }),
  row('update', 'offered', 'api.artifact', coded('SERVER_UNREACHABLE')),
  row('update', 'offered', 'blobs.append', coded('STATE_NOT_WRITABLE')),
  row('update', 'downloading', 'api.artifact', coded('SERVER_UNREACHABLE')),
  row('update', 'downloading', 'blobs.append', coded('STATE_NOT_WRITABLE')),
  row('update', 'downloading', 'blobs.finish', coded('ARTIFACT_CORRUPT')),
  row('update', 'verifying', 'slots.install', coded('STATE_NOT_WRITABLE'), limited),
  row('update', 'verifying', 'slots.verify', coded('SLOT_CORRUPT'), limited),
  row('update', 'preflight', 'slots.verify', coded('SLOT_CORRUPT'), { ...limited, code: 'SLOT_CORRUPT' }),
  row('update', 'preflight', 'runtime.start', coded('RUNNER_START_FAILED'), limited),
  row('update', 'preflight', '1.1.0.checkConformance', coded('RUNNER_FRAME_INVALID'), {
    ...limited,
    code: 'RUNNER_FRAME_INVALID',
  }),
  row('update', 'preflight', '1.1.0.checkAcceptance', coded('SAMPLE_INVALID'), {
    ...limited,
    code: 'SAMPLE_INVALID',
  }),
  row('update', 'shadow', '1.1.0.shadow', coded('RUNNER_FRAME_INVALID')),
  row('update', 'shadow', '1.1.0.counts', coded('RUNNER_GONE')),
  row('update', 'shadow', '1.0.0.counts', coded('RUNNER_GONE')),
  row('update', 'shadow', 'journal.confirm', coded('RELEASE_BELOW_FLOOR'), { code: 'RELEASE_BELOW_FLOOR' }),
  row('update', 'activating', '1.0.0.counts', coded('RUNNER_GONE'), limited),
  row('update', 'activating', 'journal.stats', disk('EIO'), limited),
  row('update', 'activating', 'journal.writeTelemetry', disk('ENOSPC'), limited),
  row('update', 'soaking', '1.1.0.counts', coded('RUNNER_GONE')),
  row('update', 'idle', 'slots.models', disk('EIO')),
  row('update', 'idle', 'slots.keepOnly', disk('EIO')),
  row('update', 'idle', 'blobs.sweep', disk('EIO')),
  row('regression', 'rollingBack', 'slots.verify', disk('EIO')),
  row('regression', 'rollingBack', 'runtime.start', coded('RUNNER_START_FAILED')),
  row('removal', 'removing', '1.0.0.stop', disk('EIO')),
  row('removal', 'removing', 'slots.keepOnly', coded('STATE_NOT_WRITABLE')),
];
const UPDATE_PHASES = [
  'offered',
  'downloading',
  'verifying',
  'preflight',
  'ready',
  'shadow',
  'activating',
  'soaking',
  'idle',
];
/** The durable save that enters every state. */
const SAVES: readonly Row[] = [
  ...UPDATE_PHASES.map((phase) => row('update', phase, 'journal.save', disk('ENOSPC'))),
  row('regression', 'rollingBack', 'journal.save', disk('ENOSPC')),
  row('regression', 'idle', 'journal.save', disk('ENOSPC')),
  row('removal', 'removing', 'journal.save', disk('ENOSPC')),
  row('removal', 'empty', 'journal.save', disk('ENOSPC')),
];
const KINDS: readonly FaultKind[] = ['error', 'killed', 'hang'];
const CASES = [
  ...OPERATIONS.flatMap((one) => KINDS.map((kind) => [one, kind] as const)),
  ...SAVES.flatMap((one) => [...KINDS, 'killed after' as const].map((kind) => [one, kind] as const)),
].map(([one, kind]) => [one.phase, one.op, kind, one] as const);

const SHADOW = { minInferences: 3, deadlineMs: 60_000, samplePerMille: 1000, minAgreementPerMille: 0 };
const ENDS = { update: '1.1.0', regression: '1.0.0', removal: null } as const;

let root: string;
let lab: AgentLab;
const running = new Set<LabAgent>();

async function start(from: string, faults?: FaultyPorts): Promise<{ agent: LabAgent; stateDir: string }> {
  const stateDir = mkdtempSync(join(root, 'case-'));
  // As the disk is now: hard links stay hard links.
  execFileSync('cp', ['-a', `${from}/.`, stateDir]);
  const agent = await lab.start({ stateDir, isQuick: true, ...(faults ? { faults } : {}) });
  running.add(agent);
  return { agent, stateDir };
}
async function commit(agent: LabAgent, generation: number, version: string): Promise<void> {
  agent.intake.offer(lab.assignment(generation, version, { soakMs: 1 }));
  await until(`${version} is committed`, () => isOn(agent, version));
}
async function isOn(agent: LabAgent, version: string | null): Promise<boolean> {
  const [state] = agent.supervisor.states();
  if (version === null) return state?.phase === 'empty' && !state.isAssigned;
  await agent.answer().catch(() => undefined);
  return state?.phase === 'idle' && state.committed.version === version;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rf-faults-'));
  lab = new AgentLab(join(root, 'first'));
  for (const version of ['0.9.0', '1.0.0', '1.1.0']) lab.publish(version);
  const agent = await lab.start({ isQuick: true });
  await commit(agent, 1, '0.9.0');
  await commit(agent, 2, '1.0.0');
  await agent.stop();
  const next = await lab.start({ stateDir: copyOf('first', 'second'), isQuick: true });
  await commit(next, 3, '1.1.0');
  await next.stop();
});
afterAll(async () => {
  await Promise.all([...running].map((one) => one.abandon()));
  rmSync(root, { recursive: true, force: true });
});

function copyOf(from: string, to: string): string {
  execFileSync('cp', ['-a', join(root, from), join(root, to)]);
  return join(root, to);
}

/** Sets off what the row is about. */
async function begin(deed: Deed, agent: LabAgent, faults: FaultyPorts): Promise<void> {
  if (deed === 'update') agent.intake.offer(lab.assignment(9, '1.1.0', { soakMs: 1, shadow: SHADOW }));
  if (deed === 'removal') agent.intake.offer(lab.assignment(9, null));
  if (deed !== 'regression') return;
  for (let i = 0; i < 3; i += 1) {
    await until('1.1.0 runs', () => lab.runner('1.1.0').isAlive && agent.state().phase === 'idle');
    lab.runner('1.1.0').die();
    if (faults.isStruck) return;
  }
}

/** After a restart the server says again what it wants, and what was bad still is. */
async function goOn(deed: Deed, agent: LabAgent, faults: FaultyPorts): Promise<void> {
  const { phase, committed } = agent.state();
  const isDue = deed === 'regression' ? phase === 'idle' && committed?.version === '1.1.0' : true;
  if (isDue && phase !== 'empty') await begin(deed, agent, new FaultyPorts({ ...faults.strike, op: '' }));
}

/** A device is on the old release or the new one, never on a mixture, and says every transition. */
async function checkEnd(agent: LabAgent, version: string | null): Promise<void> {
  if (version === null) await expect(agent.answer()).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  else expect(await agent.answer()).toBe(version);
  const reports = stateReports(await agent.reports());
  for (const [i, report] of reports.entries()) {
    if (i > 0) expect(report.from).toBe(reports[i - 1]?.phase);
    const { failure } = report;
    if (!failure) continue;
    expect(lookUpCode(failure.code)).toMatchObject({
      sentence: expect.stringMatching(/\w/),
      remedy: expect.stringMatching(/\w/),
    });
  }
}

describe(`${CASES.length} faults at what each state does`, () => {
  it.each(CASES)('%s, %s: %s', async (phase, op, kind, { deed, error, code, isLimited }) => {
    const strike: Strike = { phase, op, kind, error };
    const faults = new FaultyPorts(strike);
    const first = await start(join(root, deed === 'regression' ? 'second' : 'first'), faults);
    await begin(deed, first.agent, faults);
    const traffic = new AbortController();
    const asked = askOn(first.agent, traffic.signal);
    await until('it was struck', () => faults.isStruck);
    const goal = ENDS[deed];
    let { agent } = first;
    if (kind === 'hang' && goal !== null && !(deed === 'regression')) {
      // While it hangs, a proven release answers.
      expect(['1.0.0', '1.1.0']).toContain(await agent.answer());
    }
    if (kind === 'hang' && isLimited) lab.endHour();
    else if (kind !== 'error') {
      if (kind === 'killed after') await until('it is dead', () => faults.isDead);
      faults.die();
      ({ agent } = await start(first.stateDir));
      await goOn(deed, agent, faults);
    }
    const reason = kind === 'hang' && isLimited ? 'STEP_TIMED_OUT' : kind === 'error' ? code : undefined;
    const end = reason === undefined ? goal : '1.0.0';
    await until(`it rests on ${end}`, () => isOn(agent, end));
    traffic.abort();
    expect(await asked).toEqual([]);
    if (reason !== undefined) {
      const failures = stateReports(await agent.reports()).flatMap(({ failure }) => failure ?? []);
      expect(failures.at(-1)).toMatchObject({ code: reason, phase });
    }
    await checkEnd(agent, end);
    await Promise.all([...new Set([agent, first.agent])].map((one) => one.abandon()));
    running.clear();
  });
});

/** Asks without a pause; answers with every version that nobody proved or watches. */
async function askOn(agent: LabAgent, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  while (!signal.aborted) {
    const answer = await Promise.race([agent.answer().catch(() => ''), aborted(signal)]);
    if (answer !== '' && !['0.9.0', '1.0.0', '1.1.0'].includes(answer)) wrong.push(answer);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return wrong;
}

const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(''), { once: true }));
