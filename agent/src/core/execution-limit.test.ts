import { describe, expect, it } from 'vitest';
import {
  beginExecution,
  type ExecutionLook,
  hardBoundMs,
  judgeExecution,
  STOPPED_MS,
  type ThreadTimes,
  type WatchedExecution,
} from './execution-limit.ts';

/** What one thread does in each millisecond of a run. */
interface Habit {
  readonly ran?: number;
  readonly waited?: number;
  readonly state?: ThreadTimes['state'];
}

interface World {
  readonly threads?: readonly Habit[];
  readonly cores?: number;
  readonly isFrozen?: boolean;
  /** How late the agent itself is at each look. */
  readonly lateMs?: number;
}

const LIMIT = 400;
const hard = hardBoundMs(LIMIT);

/** Plays a run that never ends until it is judged over; undefined when it is not within ten times the hard bound. */
function killedAfterMs(worldAt: (ms: number) => World, limitMs = LIMIT): number | undefined {
  let execution = beginExecution(limitMs, 0);
  const times = new Map<number, { ranMs: number; waitedMs: number }>();
  for (let now = 0; now < 10 * hardBoundMs(limitMs); ) {
    const world = worldAt(now);
    const until = execution.dueMs + (world.lateMs ?? 0);
    const threads = (world.threads ?? []).map(({ ran = 0, waited = 0, state = 'ready' }, id) => {
      const { ranMs, waitedMs } = times.get(id) ?? { ranMs: 0, waitedMs: 0 };
      const after = { ranMs: ranMs + ran * (until - now), waitedMs: waitedMs + waited * (until - now) };
      times.set(id, after);
      return { id, state, ...after };
    });
    now = until;
    const look: ExecutionLook = {
      atMs: now,
      cores: world.cores ?? 2,
      ...(world.threads ? { threads } : {}),
      ...(world.isFrozen ? { isFrozen: true } : {}),
    };
    const verdict: { isOver: boolean; execution: WatchedExecution } = judgeExecution(execution, look);
    if (verdict.isOver) return now;
    execution = verdict.execution;
  }
  return undefined;
}

const ASLEEP: Habit = { state: 'asleep' };

describe('the execution limit', () => {
  it.each<[string, World, number, number]>([
    ['a loop that has a processor to itself', { threads: [{ ran: 1 }, ASLEEP] }, LIMIT, LIMIT + 10],
    ['a model that sleeps for ever', { threads: [ASLEEP, ASLEEP] }, LIMIT, LIMIT + 10],
    ['any run where the system says nothing of threads', {}, LIMIT, LIMIT + 10],
    [
      'four threads that crowd each other out',
      { threads: Array(4).fill({ ran: 0.5, waited: 0.5 }) },
      LIMIT,
      LIMIT + 10,
    ],
    ['a loop that gets half a processor', { threads: [{ ran: 0.5, waited: 0.5 }] }, 1.5 * LIMIT, 2 * LIMIT],
    ['a loop beside a thread that starves', { threads: [{ ran: 1 }, { waited: 1 }] }, LIMIT, LIMIT + 10],
    ['a loop while the agent itself is late', { threads: [{ ran: 1 }], lateMs: 500 }, LIMIT, 3 * LIMIT],
    ['a runner that gets no processor at all', { threads: [{ ran: 0 }] }, hard, hard + 50],
    ['a runner that was stopped', { threads: [{ state: 'stopped' }] }, hard, hard + 50],
    ['a runner that waits for its disk', { threads: [{ state: 'blocked' }, ASLEEP] }, hard, hard + 50],
    ['a runner whose control group is frozen', { threads: [ASLEEP], isFrozen: true }, hard, hard + 50],
  ])('ends %s', (_, world, earliest, latest) => {
    const ms = killedAfterMs(() => world);
    expect(ms).toBeGreaterThanOrEqual(earliest);
    expect(ms).toBeLessThanOrEqual(latest);
  });

  it.each<[string, World]>([
    ['stopped', { threads: [{ state: 'stopped' }] }],
    ['without a processor', { threads: [{ ran: 0 }, ASLEEP] }],
    ['blocked by its disk', { threads: [{ state: 'blocked' }] }],
    ['as still as the whole machine', { threads: [ASLEEP], lateMs: 1_700 }],
  ])('gives a runner that was %s for two limits the rest of its time', (_, world) => {
    const stoodStillMs = 2 * LIMIT;
    const ms = killedAfterMs((now) => (now < stoodStillMs ? world : { threads: [{ ran: 1 }] }));
    expect(ms).toBeGreaterThan(stoodStillMs + LIMIT / 2);
    expect(ms).toBeLessThan(hard);
  });

  it('waits seconds, not ten limits, for a stopped runner that has long to load', () => {
    const loadMs = 10_000;
    const ms = killedAfterMs(() => ({ threads: [{ state: 'stopped' }, ASLEEP] }), loadMs);
    expect(ms).toBeGreaterThanOrEqual(loadMs + STOPPED_MS);
    expect(ms).toBeLessThan(loadMs + STOPPED_MS + 2_000);
  });

  it('does not end a run because the machine slept for an hour', () => {
    const hourMs = 3_600_000;
    const first = judgeExecution(beginExecution(LIMIT, 0), { atMs: hourMs, cores: 2, threads: [] });
    expect(first.isOver).toBe(false);
    expect(first.execution.chargedMs).toBeLessThan(LIMIT / 2);
  });

  it('takes a wait that the kernel notes late for what it was', () => {
    const thread = (ranMs: number, waitedMs: number): ThreadTimes[] => [
      { id: 1, ranMs, waitedMs, state: 'ready' },
    ];
    let { execution } = judgeExecution(beginExecution(LIMIT, 0), {
      atMs: 100,
      cores: 1,
      threads: thread(10, 0),
    });
    ({ execution } = judgeExecution(execution, { atMs: 140, cores: 1, threads: thread(10, 0) }));
    const charged = execution.chargedMs;
    ({ execution } = judgeExecution(execution, { atMs: 180, cores: 1, threads: thread(50, 40) }));
    expect(execution.chargedMs - charged).toBe(40);
  });
});
