import { expect, it } from 'vitest';
import { type Bucket, pay } from './token-bucket.ts';

/** Sends chunks as fast as they may; answers how long it took, ms. */
function send(chunks: readonly number[], bytesPerSecond: number): number {
  let bucket: Bucket | null = null;
  let nowMs = 1_000;
  for (const bytes of chunks) {
    const paid = pay(bucket, bytes, bytesPerSecond, nowMs);
    bucket = paid.bucket;
    nowMs += paid.waitMs;
  }
  return nowMs - 1_000;
}

it.each([1, 100, 1_000, 64_000])('keeps the mean rate with chunks of %i bytes', (chunk) => {
  const total = 640_000;
  const tookMs = send(Array<number>(total / chunk).fill(chunk), 10_000);
  // One second's worth comes at once.
  expect(tookMs).toBeGreaterThanOrEqual(63_000);
  expect(tookMs).toBeLessThan(64_100 + total / chunk);
});

it('does not save up more than a second of silence', () => {
  const { bucket } = pay(null, 10_000, 10_000, 0);
  expect(pay(bucket, 20_000, 10_000, 3_600_000).waitMs).toBe(1_000);
});

it('pays nothing back when the clock goes back', () => {
  const { bucket } = pay(null, 10_000, 10_000, 1_000_000);
  expect(pay(bucket, 10_000, 10_000, 0).waitMs).toBe(1_000);
});
