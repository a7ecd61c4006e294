import { describe, expect, it } from 'vitest';
import { withAlarmLimits } from './alarm-limits.ts';
import { DecisionBudget } from './decision-budget.ts';
import { MONTHLY_DECISIONS } from './drift-thresholds.ts';
import { buildFeatureProfile } from './feature-profile.ts';
import { MissingAlarm } from './missing-alarm.ts';
import { noncentralChiSquareIsf } from './noncentral-chi-square.ts';
import { StuckRun } from './stuck-run.ts';
import { WatchedNumber } from './watched-number.ts';

const SAMPLE_MS = 10_200;

/** Normal numbers of a generator of its own, so that they are the same at every run; `rho` ties neighbours together. */
function normals(seed: number, rho = 0): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  let last = 0;
  return () => {
    const x = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    last = rho * last + Math.sqrt(1 - rho * rho) * x;
    return last;
  };
}

function watch(seed: number, rho = 0) {
  const next = normals(seed, rho);
  const values = Float64Array.from({ length: 5_000 }, next);
  const profile = buildFeatureProfile('x', values);
  const number = new WatchedNumber(withAlarmLimits(profile, values, { isOrdered: rho > 0, canStick: true }));
  let nowMs = 0;
  return {
    profile,
    number,
    /** Samples until an alarm is there, or all of them. */
    feed(samples: number, change: (x: number) => number = (x) => x): number {
      for (let i = 1; i <= samples; i++) {
        nowMs += SAMPLE_MS;
        number.add(change(next()), nowMs);
        if (number.alarms(nowMs).length > 0) return i;
      }
      return samples;
    },
    alarms: () => number.alarms(nowMs),
  };
}

describe('an alarm of drift', () => {
  it('is not raised by a month of numbers as in training', () => {
    const calm = watch(1);
    calm.feed(MONTHLY_DECISIONS);
    expect(calm.alarms()).toEqual([]);
  });

  it('is not raised by a month of neighbours that are alike', () => {
    const calm = watch(2, 0.9);
    calm.feed(MONTHLY_DECISIONS);
    expect(calm.alarms()).toEqual([]);
  });

  it.each([
    ['half a deviation', (x: number) => x + 0.5, 1_024],
    ['a quarter of one', (x: number) => x + 0.25, 8_192],
    ['half as much scatter again', (x: number) => 1.5 * x, 1_024],
  ])('is raised by %s', (_, change, within) => {
    const moved = watch(3);
    moved.feed(1_000);
    expect(moved.feed(within, change)).toBeLessThan(within);
    expect(moved.alarms()).toMatchObject([{ kind: 'drift', ageMs: 0 }]);
    const [alarm] = moved.alarms();
    expect(alarm?.value).toBeGreaterThan(alarm?.limit ?? 0);
  });

  it('ends when the windows that saw it first are as in training again', () => {
    const moved = watch(4);
    moved.feed(1_000);
    moved.feed(2_000, (x) => x + 1);
    const [raised] = moved.alarms();
    expect(raised).toMatchObject({ kind: 'drift' });
    for (let i = 0; i < 4_096 && moved.alarms().length > 0; i++) moved.feed(1);
    expect(moved.alarms()).toEqual([]);
    expect(moved.feed(2_000)).toBe(2_000);
  });
});

it('takes the thresholds from the noncentral chi-square distribution', () => {
  const values = Float64Array.from({ length: 5_000 }, normals(5));
  const { thresholds = [] } = withAlarmLimits(buildFeatureProfile('x', values), values, {
    isOrdered: false,
    canStick: true,
  });
  expect(thresholds).toHaveLength(8);
  // 3e-4 a month over 8 levels and 260 000 / 128 looks; 10 bins; an index of 0.005 is borne.
  const alpha = 3e-4 / 8 / (260_000 / 128);
  const expected = [128, 16_384].map((n) => noncentralChiSquareIsf(alpha, 9, 0.005 / (1 / 5_000 + 1 / n)));
  expect(thresholds[0]).toBeCloseTo(expected[0] ?? 0, 2);
  expect(thresholds[7]).toBeCloseTo(expected[1] ?? 0, 2);
});

it('learns stride and longest run from ordered training data only', () => {
  const next = normals(6, 0.9);
  const values = Float64Array.from({ length: 5_000 }, next);
  const profile = buildFeatureProfile('x', values);
  const ordered = withAlarmLimits(profile, values, { isOrdered: true, canStick: true });
  expect(ordered.stride).toBeGreaterThanOrEqual(20);
  expect(ordered.stuckAfter).toBe(10);
  const shuffled = withAlarmLimits(profile, values, { isOrdered: false, canStick: false });
  expect([shuffled.stride, shuffled.stuckAfter]).toEqual([undefined, undefined]);
  const doors = Array.from({ length: 1_000 }, (_, i) => Number(i % 20 < 10));
  const door = buildFeatureProfile('door', doors);
  expect(withAlarmLimits(door, doors, { isOrdered: false, canStick: true }).stuckAfter).toBeUndefined();
  expect(withAlarmLimits(door, doors, { isOrdered: true, canStick: true }).stuckAfter).toBeGreaterThan(100);
});

it('decides on no more than 260 000 samples a month, and on the first ones at once', () => {
  const budget = new DecisionBudget();
  let taken = 0;
  for (let i = 0; i < 20_000; i++) taken += Number(budget.take(i));
  expect(taken).toBe(16_384 + Math.floor((20_000 * (260_000 - 16_384)) / 2_629_800_000));
  for (let minute = 0; minute < 43_800; minute++) {
    for (let i = 0; i < 10; i++) taken += Number(budget.take(20_000 + minute * 60_000 + i * 1_000));
  }
  expect(taken).toBeLessThan(260_000 + 10);
  expect(taken).toBeGreaterThan(240_000);
});

describe('a sensor that hangs', () => {
  it('is told after a run that training makes improbable, and a minute at least', () => {
    const stuck = new StuckRun(10);
    for (let i = 0; i < 10; i++) stuck.add(7, i);
    expect(stuck.raised).toBeUndefined();
    stuck.add(7, 60_000);
    expect(stuck.raised).toBe(11);
    for (let i = 0; i < 15; i++) stuck.add(i, 61_000 + i);
    expect(stuck.raised).toBeDefined();
    stuck.add(15, 62_000);
    expect(stuck.raised).toBeUndefined();
  });
});

describe('missing values', () => {
  it('raise an alarm above the share that is borne, and end it when they are fewer again', () => {
    const alarm = new MissingAlarm(0.1);
    for (let i = 0; i < 5_000; i++) alarm.add(i % 10 === 0);
    expect(alarm.raised).toBeUndefined();
    let values = 0;
    while (alarm.raised === undefined && values < 2_000) alarm.add(values++ % 2 === 0);
    expect(values).toBeLessThan(1_000);
    expect(alarm.raised).toBeGreaterThan(alarm.limit);
    for (let i = 0; i < 3_000; i++) alarm.add(false);
    expect(alarm.raised).toBeUndefined();
  });
});
