import { expect, it } from 'vitest';
import { waitAfter } from './retries.ts';

it('waits longer each time, spread by chance, and gives up after about a day', () => {
  const waits = [...Array(20).keys()].map((n) => waitAfter(n + 1, 0.5)).filter((wait) => wait !== null);
  expect(waits).toHaveLength(8);
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  const hours = waits.reduce((sum, wait) => sum + wait, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(18);
  expect(hours).toBeLessThan(24);
  expect([waitAfter(1, 0), waitAfter(1, 1), waitAfter(9, 0)]).toEqual([4_000, 6_000, null]);
});
