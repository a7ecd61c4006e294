import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import type { AssignmentModel } from '@ringfleet/shared/trust';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DeviceFacts } from '../core/constraints.ts';
import { AgentLab, type Behaviour, type LabAgent, stateReports, until } from './agent-lab.fixture.ts';
import { FaultyPorts, type Strike } from './faulty-ports.fixture.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

/** Half a year away. */
const CLOSED = {
  cron: `0 0 1 ${((new Date().getMonth() + 6) % 12) + 1} *`,
  timeZone: 'UTC',
  graceMs: 3_600_000,
};
const SHADOW = { minInferences: 5, deadlineMs: 60_000, samplePerMille: 1000, minAgreementPerMille: 900 };
const LONG = { soakMs: 600_000 };

interface Scenario {
  readonly behaviour?: Behaviour;
  /** Of the release that is proven, where it matters what it showed before. */
  readonly proven?: Behaviour;
  readonly manifest?: Partial<Manifest>;
  readonly terms?: Partial<AssignmentModel>;
  readonly facts?: Partial<DeviceFacts>;
  readonly strike?: Omit<Strike, 'kind'>;
  /** Another version than a new one. */
  readonly version?: string;
  /** A device that never ran anything. */
  readonly isFirst?: boolean;
  readonly before?: () => void;
  readonly afterwards?: (agent: LabAgent, version: string, stateDir: string) => Promise<unknown>;
}

const variants = (constraints: Partial<Manifest['variants'][number]['constraints']>): Partial<Manifest> => ({
  variants: [
    {
      name: 'cpu',
      entry: 'model.onnx',
      files: ['model.onnx'],
      constraints: { providers: ['cpu'], ...constraints },
      session: {},
      isProven: true,
    },
  ],
});
const bins = (length: number, at: number): number[] => Array.from({ length }, (_, i) => (i === at ? 400 : 0));
const refused = (code: string) => ({ ok: false, code, sentence: 'struck' }) as const;
const loads = (cannotLoad: ErrorCode): Scenario => ({ behaviour: { cannotLoad } });
const isIn = (agent: LabAgent, phase: string) => () => agent.supervisor.states()[0]?.phase === phase;
const dies = (code?: ErrorCode): Scenario => ({
  terms: LONG,
  afterwards: async (agent, version) => {
    await until('it soaks', isIn(agent, 'soaking'));
    lab.runner(version).die(code);
  },
});
/** The agent dies, or the machine goes down, again and again in a state. */
const goesDown = (phase: string, times: number, isMachine = false): Scenario => ({
  terms: LONG,
  afterwards: async (first, _version, from) => {
    let agent = first;
    let stateDir = from;
    for (let i = 0; i < times; i += 1) {
      await until(`it is in ${phase}`, isIn(agent, phase));
      const next = copyOf(stateDir);
      await agent.abandon();
      stateDir = next;
      agent = await lab.start({ stateDir, isQuick: true, ...(isMachine ? { bootId: `boot-${i}` } : {}) });
      agents.push(agent);
    }
    return agent;
  },
});

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ARCH_UNSUPPORTED: { manifest: variants({ arch: ['arm64'] }) },
  OS_UNSUPPORTED: { manifest: variants({ os: ['darwin'] }) },
  RUNTIME_UNSUPPORTED: { manifest: variants({ runtime: '>=9.0.0' }) },
  PROVIDER_UNSUPPORTED: { manifest: variants({ providers: ['cuda'] }) },
  MEMORY_TOO_SMALL: { manifest: variants({ memoryBytes: 2e9 }) },
  NO_VARIANT_FITS: { terms: { variants: ['other'] } },
  MINIMUM_FROM_UNMET: { manifest: { minimumFrom: '1.5.0' } },
  LIMITS_LOOSENED: { terms: { limits: { inferMs: 5_000 } } },
  DISK_SPACE_LOW: { facts: { diskFreeBytes: 10 } },
  STATE_NOT_WRITABLE: {
    strike: {
      phase: 'offered',
      op: 'device.facts',
      error: Object.assign(new Error('EIO'), { code: 'EIO' }),
    },
  },
  RELEASE_VERSION_REUSED: { version: '0.9.0', manifest: { license: 'another' } },
  MANIFEST_MISMATCH: { manifest: { version: '9.9.9' } },
  ARTIFACT_CORRUPT: {
    before: () => {
      lab.tamper = (bytes) => Buffer.from(bytes.toString().replace('weights', 'WEIGHTS'));
    },
  },
  SLOT_CORRUPT: { strike: { phase: 'preflight', op: 'slots.verify', error: new CodedError('SLOT_CORRUPT') } },
  RELEASE_BELOW_FLOOR: {
    strike: { phase: 'ready', op: 'journal.confirm', error: new CodedError('RELEASE_BELOW_FLOOR') },
  },
  MODEL_LOAD_FAILED: loads('MODEL_LOAD_FAILED'),
  LOAD_LIMIT_EXCEEDED: loads('LOAD_LIMIT_EXCEEDED'),
  MODEL_SIGNATURE_MISMATCH: loads('MODEL_SIGNATURE_MISMATCH'),
  PROVIDER_NOT_AVAILABLE: loads('PROVIDER_NOT_AVAILABLE'),
  SAMPLE_INVALID: { behaviour: { conformance: refused('SAMPLE_INVALID') } },
  CONFORMANCE_FAILED: { behaviour: { conformance: refused('CONFORMANCE_FAILED') } },
  ACCEPTANCE_FAILED: { behaviour: { acceptance: refused('ACCEPTANCE_FAILED') } },
  ACCEPTANCE_OF_ACTIVE_FAILED: { behaviour: { acceptanceOfOthers: refused('ACCEPTANCE_FAILED') } },
  LATENCY_OVER_LIMIT: {
    behaviour: { conformance: { ok: true, count: 1, sentence: 'slow', medianUs: 2_000_000 } },
  },
  SHADOW_FAILURES: {
    terms: { shadow: { ...SHADOW, minInferences: 1_000 } },
    behaviour: { shadow: () => Promise.resolve({ ok: false, code: 'INFER_FAILED', message: 'struck' }) },
  },
  SHADOW_DISAGREES: {
    terms: { shadow: SHADOW },
    behaviour: { shadow: () => Promise.resolve({ ok: true, agrees: false, distance: 1, computeUs: 5 }) },
  },
  RUNNER_CRASHED: dies(),
  EXECUTION_LIMIT_EXCEEDED: dies('EXECUTION_LIMIT_EXCEEDED'),
  MEMORY_LIMIT_EXCEEDED: dies('MEMORY_LIMIT_EXCEEDED'),
  SOAK_FAILURES: {
    terms: LONG,
    behaviour: { infer: { ok: false, fault: 'release', code: 'INFER_FAILED', message: 'struck' } },
  },
  SOAK_NON_FINITE: { terms: LONG, behaviour: { counts: { nonFiniteOutputs: 1 } } },
  SOAK_CLASSES_SHIFTED: {
    terms: LONG,
    proven: { counts: { classes: [400, 0] } },
    behaviour: { counts: { classes: [0, 400] } },
  },
  SOAK_SCORES_FELL: {
    terms: LONG,
    proven: { counts: { scores: bins(20, 19) } },
    behaviour: { counts: { scores: bins(20, 1) } },
  },
  SOAK_LATENCY: {
    terms: LONG,
    manifest: { limits: { memoryBytes: 1, loadMs: 1_000, inferMs: 1 } },
    proven: { counts: { latencyUs: bins(15, 0) } },
    behaviour: { counts: { latencyUs: bins(15, 12) } },
  },
  RELEASE_REGRESSED: {
    terms: { soakMs: 1 },
    afterwards: async (agent, version) => {
      for (let i = 0; i < 3; i += 1) {
        await until('it is committed and runs', async () => {
          await agent.answer();
          const [state] = agent.supervisor.states();
          return (
            state?.phase === 'idle' && state.committed.version === version && lab.runner(version).isAlive
          );
        });
        lab.runner(version).die();
      }
    },
  },
  BOOT_LIMIT_EXCEEDED: goesDown('soaking', 4),
  TRIAL_INTERRUPTED: goesDown('soaking', 6, true),
  STEP_LIMIT_EXCEEDED: {
    ...goesDown('offered', 4),
    before: () => {
      lab.breaksAt = 0;
    },
  },
  ATTEMPT_NOT_RAISED: {
    ...loads('LOAD_LIMIT_EXCEEDED'),
    afterwards: async (agent, version) => {
      const refusals = (many: number) => async (): Promise<boolean> =>
        stateReports(await agent.reports()).filter(({ failure }) => failure).length === many;
      await until('it is given up', refusals(1));
      lab.publish('2.99.0', { cannotLoad: 'LOAD_LIMIT_EXCEEDED' });
      agent.intake.offer(lab.assignment(10, '2.99.0'));
      await until('the next one is, too', refusals(2));
      agent.intake.offer(lab.assignment(11, version));
      await until('it is refused', refusals(3));
    },
  },
  STEP_TIMED_OUT: {
    behaviour: { hangs: true },
    afterwards: async (agent) => {
      await until('it is tried', isIn(agent, 'preflight'));
      await until('it hangs', () => lab.limits > 0);
      lab.endHour();
    },
  },
  INSTALL_EXPIRED: {
    terms: { installBefore: Date.now() + 1 },
    before: () => lab.windows.push(CLOSED),
    afterwards: async (agent) => {
      await until('it waits', isIn(agent, 'ready'));
      lab.windows.splice(0);
      agent.supervisor.policyChanged();
    },
  },
  MACHINE_STARTS_NO_RUNNER: {
    before: () => {
      lab.startsNothing = true;
    },
  },
  RUNNER_START_FAILED: {
    isFirst: true,
    before: () => {
      lab.startsNothing = true;
    },
  },
  HELD_AT_DEVICE: {
    before: () => {
      lab.hold = { reason: 'stocktaking', sinceMs: 1 };
    },
  },
  HELD_BY_SERVER: { terms: { hold: true } },
  WINDOW_CLOSED: { terms: { window: CLOSED } },
};

let root: string;
let lab: AgentLab;
let agents: LabAgent[] = [];
let copies = 0;

function copyOf(from: string): string {
  copies += 1;
  const to = join(root, `copy-${copies}`);
  execFileSync('cp', ['-a', from, to]);
  return to;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rf-reasons-'));
  lab = new AgentLab(join(root, 'never'));
  execFileSync('cp', ['-a', join(root, 'never'), join(root, 'base')]);
  for (const version of ['0.9.0', '1.0.0']) lab.publish(version);
  const agent = await lab.start({ stateDir: join(root, 'base'), isQuick: true });
  for (const [i, version] of ['0.9.0', '1.0.0'].entries()) {
    agent.intake.offer(lab.assignment(i + 1, version, { soakMs: 1 }));
    await until(`${version} is committed`, async () => {
      await agent.answer().catch(() => undefined);
      const [state] = agent.supervisor.states();
      return state?.phase === 'idle' && state.committed.version === version;
    });
  }
  await agent.stop();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const page = readFileSync(new URL('../../../docs/updates.md', import.meta.url), 'utf8');
const [, table = ''] = page.split('## Reasons');
const onPage = [...table.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code);

it('every reason that the page about updates names can be produced, and no other is', () => {
  expect(Object.keys(SCENARIOS).toSorted()).toEqual([...new Set(onPage)].toSorted());
});

describe('a device gives as its reason', () => {
  it.each(Object.entries(SCENARIOS))('%s', async (code, scenario) => {
    const { behaviour = {}, manifest = {}, terms = {}, strike } = scenario;
    const version = scenario.version ?? `2.${Object.keys(SCENARIOS).indexOf(code)}.0`;
    Object.assign(lab, { tamper: null, breaksAt: Infinity, startsNothing: false, hold: null, facts: {} });
    lab.windows.splice(0);
    lab.behaviours.set('1.0.0', scenario.proven ?? {});
    lab.publish(version, behaviour, manifest);
    const faults = strike && new FaultyPorts({ ...strike, kind: 'error' });
    const stateDir = copyOf(join(root, scenario.isFirst ? 'never' : 'base'));
    let agent = await lab.start({ stateDir, isQuick: true, ...(faults ? { faults } : {}) });
    agents = [agent];
    lab.facts = scenario.facts ?? {};
    scenario.before?.();
    agent.intake.offer(lab.assignment(9, version, { soakMs: 1, ...terms }));
    agent = ((await scenario.afterwards?.(agent, version, stateDir)) as LabAgent | undefined) ?? agent;
    const codes = async (): Promise<string[]> => {
      await Promise.race([agent.answer().catch(() => ''), new Promise((resolve) => setTimeout(resolve, 20))]);
      return stateReports(await agent.reports()).flatMap(({ failure, waiting }) => [
        ...(failure ? [failure.code] : []),
        ...(waiting ? [waiting.code] : []),
      ]);
    };
    await until('it says why', async () => (await codes()).length > 0);
    expect((await codes()).at(-1)).toBe(code);
    expect(lookUpCode(code)).toMatchObject({
      sentence: expect.stringMatching(/^[A-Z].*\.$/s),
      remedy: expect.stringMatching(/^[A-Z].*[.:]$/s),
    });
    await Promise.all(agents.map((one) => one.abandon()));
  });
});
