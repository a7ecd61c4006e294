import { CodedError } from '@ringfleet/shared/errors';
import { type Bucket, pay } from '../core/token-bucket.ts';
import type { Clock } from '../ports/clock.ts';

/** Slows downloads down to what a site's line may carry: one budget for the device, and one of each assignment. */
export class RateLimiter {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  #shared: Bucket | null = null;

  /** `bytesPerSecond` 0: no limit but the assignment's. */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** The same bytes, later: the next chunk is asked for when this one is paid. Throws ABORTED. */
  async *paced(
    bytes: AsyncIterable<Uint8Array>,
    maxBytesPerSecond: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let own: Bucket | null = null;
    for await (const chunk of bytes) {
      yield chunk;
      const nowMs = this.#clock.nowMs();
      let waitMs = 0;
      if (this.#bytesPerSecond > 0) {
        const paid = pay(this.#shared, chunk.length, this.#bytesPerSecond, nowMs);
        this.#shared = paid.bucket;
        waitMs = paid.waitMs;
      }
      if (maxBytesPerSecond !== undefined) {
        const paid = pay(own, chunk.length, maxBytesPerSecond, nowMs);
        own = paid.bucket;
        waitMs = Math.max(waitMs, paid.waitMs);
      }
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
      if (signal.aborted) throw new CodedError('ABORTED');
    }
  }
}
