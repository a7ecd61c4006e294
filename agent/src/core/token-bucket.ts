/** How much may be sent now. `tokens` may be negative: a chunk is paid for after it has arrived. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** A second's worth may come at once; more would be a burst that a site's line notices. */
const BURST_MS = 1_000;

/**
 * Pays for `bytes` at `nowMs` under `bytesPerSecond` (> 0). Answers the bucket afterwards and how long to wait before the
 * next chunk is asked for, so that the mean rate stays below the limit. A clock that went back pays nothing back.
 */
export function pay(
  bucket: Bucket | null,
  bytes: number,
  bytesPerSecond: number,
  nowMs: number,
): { readonly bucket: Bucket; readonly waitMs: number } {
  const full = (bytesPerSecond * BURST_MS) / 1000;
  const passedMs = bucket ? Math.max(0, nowMs - bucket.atMs) : 0;
  const before = bucket ? Math.min(full, bucket.tokens + (passedMs * bytesPerSecond) / 1000) : full;
  const tokens = before - bytes;
  return {
    bucket: { tokens, atMs: nowMs },
    waitMs: tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / bytesPerSecond),
  };
}
