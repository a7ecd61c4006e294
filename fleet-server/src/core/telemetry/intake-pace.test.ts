import { expect, it } from 'vitest';
import { type Allowance, payFor, unitsOf } from './intake-pace.ts';

const PACE = { perSecond: 10, burst: 20 };

it('lets a burst through at once and the rest at the pace, whatever was saved up', () => {
  let allowance: Allowance | undefined;
  const pay = (units: number, atMs: number): number => {
    const paid = payFor(allowance, units, PACE, atMs);
    allowance = paid.allowance;
    return paid.waitMs;
  };
  expect(pay(20, 0)).toBe(0);
  expect(pay(1, 0)).toBe(100);
  expect(pay(5, 100)).toBe(500);
  expect(pay(1, 600)).toBe(100);
  // A day of silence is a burst, and no more.
  expect(pay(20, 86_400_000)).toBe(0);
  expect(pay(10, 86_400_000)).toBe(1_000);
});

it('takes a large report for several', () => {
  expect([0, 4_095, 4_096, 262_144].map(unitsOf)).toEqual([1, 1, 2, 65]);
});
