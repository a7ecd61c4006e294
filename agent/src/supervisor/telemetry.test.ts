import { describe, expect, it } from 'vitest';
import { emptyState, type UpdateState } from '../core/update-state.ts';
import type { RouteCounts, Router } from '../ports/router.ts';
import type { Runner, RunnerCounts } from '../ports/runtime.ts';
import { TelemetryCollector } from './telemetry.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const state: UpdateState = {
  ...emptyState('tiny', 0),
  phase: 'idle',
  committed: { version: '1.0.0', digest, variant: 'cpu', attempt: 0 },
};
const outbox = { rows: 0, bytes: 0, dropped: 0 };
const counts = (n: number): RunnerCounts => ({
  answers: n,
  failures: 0,
  rejected: 0,
  nonFiniteOutputs: 0,
  latencyUs: [n, 0],
  features: [{ name: 'x', bins: [n, 2 * n], missing: n, nonFinite: 0, outOfRange: 0 }],
  classes: [n, 3 * n],
  rssBytes: 7,
});

function lab() {
  let n = 0;
  const route = { answers: 0, failures: 0, rejected: 0, fallbacks: 0, runnerExits: 0 };
  const router = { counts: () => ({ ...route }) as RouteCounts } as unknown as Router;
  const runner = { counts: () => Promise.resolve(counts(n)) } as unknown as Runner;
  return {
    route,
    runner,
    collector: new TelemetryCollector(router, 100),
    answer: (more: number) => {
      n += more;
      route.answers += more;
    },
  };
}

describe('a heartbeat', () => {
  it('covers what happened since the one before, without gap or overlap', async () => {
    const { collector, runner, answer } = lab();
    answer(10);
    const first = await collector.collect([{ state, runner }], outbox, 1, 200);
    answer(5);
    const second = await collector.collect([{ state, runner }], outbox, 1, 300);
    expect([first.from, first.to, second.from, second.to]).toEqual([100, 200, 200, 300]);
    expect(first.models[0]).toMatchObject({ answers: 10, latencyUs: [10, 0], classes: [10, 30] });
    expect(second.models[0]).toMatchObject({ answers: 5, latencyUs: [5, 0], classes: [5, 15] });
    expect(second.models[0]?.features[0]).toMatchObject({ bins: [5, 10], missing: 5 });
  });

  it('starts anew with a runner that was started again, and counts the exit', async () => {
    const { collector, runner, answer, route } = lab();
    answer(10);
    await collector.collect([{ state, runner }], outbox, 1, 200);
    route.answers += 3;
    route.runnerExits += 1;
    const fresh = { counts: () => Promise.resolve(counts(3)) } as unknown as Runner;
    const { models } = await collector.collect([{ state, runner: fresh }], outbox, 1, 300);
    expect(models[0]).toMatchObject({ answers: 3, runnerRestarts: 1, classes: [3, 9] });
  });

  it('tells what the release asked for, what it runs on and why', async () => {
    const { collector } = lab();
    const provider = { asked: ['cuda', 'cpu'], active: 'cpu', reason: 'cuda: not installed' };
    const runner = { provider, counts: () => Promise.reject(new Error('busy')) } as unknown as Runner;
    const { models } = await collector.collect([{ state, runner }], outbox, 1, 200);
    expect(models[0]?.provider).toEqual(provider);
  });

  it('still tells the running digest while the runner is away', async () => {
    const { collector } = lab();
    const { models } = await collector.collect([{ state, runner: null }], outbox, 1, 200);
    expect(models[0]).toMatchObject({ running: { digest }, isCommitted: true, features: [] });
  });

  it("dates alarms by the agent's clock", async () => {
    const { collector } = lab();
    const alarm = { kind: 'drift', name: 'x', value: 90, limit: 60, samples: 256, ageMs: 50 } as const;
    const runner = { counts: () => Promise.resolve({ ...counts(1), alarms: [alarm] }) } as unknown as Runner;
    const { models } = await collector.collect([{ state, runner }], outbox, 1, 200);
    const { ageMs: _, ...rest } = alarm;
    expect(models[0]?.alarms).toEqual([{ ...rest, sinceMs: 150 }]);
  });

  it('never runs backwards when the clock does', async () => {
    const { collector } = lab();
    expect(await collector.collect([], outbox, 1, 50)).toMatchObject({ from: 100, to: 100 });
  });
});

it('compares a new release with the last window of the one before, when that is large enough', async () => {
  const { collector, runner, answer } = lab();
  answer(1_000);
  await collector.collect([{ state, runner }], outbox, 1, 200);
  answer(100);
  expect(await collector.baselineOf(runner)).toMatchObject({ classes: [100, 300] });
  const { collector: other, runner: quiet, answer: ask } = lab();
  ask(30);
  await other.collect([{ state, runner: quiet }], outbox, 1, 200);
  ask(10);
  expect(await other.baselineOf(quiet)).toMatchObject({ classes: [40, 120] });
});
