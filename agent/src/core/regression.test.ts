import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import { isRegression } from './regression.ts';

it('takes three exits within ten minutes for a regression, not three in a day', () => {
  expect(isRegression([0, 1000, 2000], 3000)).toBe(true);
  expect(isRegression([0, 1000], 3000)).toBe(false);
  expect(isRegression([0, 400_000, 800_000], 900_000)).toBe(false);
});

it('spreads retries over a growing, bounded window', () => {
  const limits = { baseMs: 100, maxMs: 1000 };
  expect([0, 1, 2, 9, 99].map((attempt) => backoffMs(attempt, 0.5, limits))).toEqual([
    50, 100, 200, 500, 500,
  ]);
  expect(backoffMs(0, 0, limits)).toBe(1);
});
