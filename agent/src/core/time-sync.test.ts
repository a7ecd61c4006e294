import { expect, it } from 'vitest';
import { isSyncDue } from './time-sync.ts';

const HOUR_MS = 3_600_000;
const last = { systemMs: 1_000_000, monotonicMs: 500 };
const after = (monotonic: number, system = monotonic) => ({
  systemMs: last.systemMs + system,
  monotonicMs: last.monotonicMs + monotonic,
});

it('signed time is asked for at the start, after six hours, and when the clock jumped or the machine slept', () => {
  expect(isSyncDue(null, last)).toBe(true);
  expect(isSyncDue(last, after(HOUR_MS))).toBe(false);
  expect(isSyncDue(last, after(6 * HOUR_MS))).toBe(true);
  expect(isSyncDue(last, after(1_000, 2 * HOUR_MS))).toBe(true);
  expect(isSyncDue(last, after(1_000, -2 * HOUR_MS))).toBe(true);
});
