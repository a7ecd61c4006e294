import { expect, it } from 'vitest';
import { type Attempts, isForgotten, PER_ACCOUNT, waitMs, withFailure } from './sign-in-attempts.ts';

const after = (failures: number): Attempts => {
  let attempts: Attempts | undefined;
  for (let i = 0; i < failures; i++) attempts = withFailure(attempts, PER_ACCOUNT, 1_000);
  return attempts as Attempts;
};

it('lets a few mistakes pass, then doubles the wait up to its longest', () => {
  expect([0, 4].map((n) => waitMs(n ? after(n) : undefined, PER_ACCOUNT, 1_000))).toEqual([0, 0]);
  expect([5, 6, 7, 50].map((n) => waitMs(after(n), PER_ACCOUNT, 1_000))).toEqual([
    1_000, 2_000, 4_000, 60_000,
  ]);
  expect(waitMs(after(6), PER_ACCOUNT, 3_000)).toBe(0);
});

it('forgets after a long quiet', () => {
  expect(isForgotten(after(50), PER_ACCOUNT, 1_000 + 120_000)).toBe(false);
  expect(isForgotten(after(50), PER_ACCOUNT, 1_001 + 120_000)).toBe(true);
  expect(withFailure(after(50), PER_ACCOUNT, 200_000)).toEqual({ failures: 1, lastMs: 200_000 });
});
