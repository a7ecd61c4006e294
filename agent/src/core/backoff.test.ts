import { expect, it } from 'vitest';
import { refusedWaitMs } from './backoff.ts';

it.each([
  [0, 0, 30_000],
  [0, 1, 60_000],
  [3, 0, 240_000],
  [50, 0.5, 675_000],
])(
  'waits long after refusal %i, and longer every time up to a quarter of an hour',
  (refusals, random, waitMs) => {
    expect(refusedWaitMs(refusals, random)).toBe(waitMs);
  },
);
