import { CodedError } from '@ringfleet/shared/errors';

/** The least that a peer must send: `minBytesPerSecond` on average over each `windowMs` of waiting for it. */
export interface Pace {
  readonly windowMs: number;
  readonly minBytesPerSecond: number;
}

export const DEFAULT_PACE: Pace = { windowMs: 60_000, minBytesPerSecond: 1_024 };

/**
 * Passes bytes on, and ends a slow drip with DOWNLOAD_TOO_SLOW. Only the time that was spent waiting for the peer counts: a
 * slow disk on this side is no fault of its. `giveUp` must end the source, which may be in the middle of a wait.
 */
export async function* paced(
  source: AsyncIterable<Uint8Array>,
  pace: Pace,
  giveUp: () => void,
): AsyncIterable<Uint8Array> {
  const { windowMs, minBytesPerSecond } = pace;
  const iterator = source[Symbol.asyncIterator]();
  let [waitedMs, received] = [0, 0];
  let isDone = false;
  try {
    for (let next = iterator.next(); ; ) {
      const begunAt = performance.now();
      const arrived = await within(next, windowMs - waitedMs);
      waitedMs += performance.now() - begunAt;
      if (arrived?.done) {
        isDone = true;
        return;
      }
      received += arrived?.value.length ?? 0;
      if (arrived === null || waitedMs >= windowMs) {
        if (received < (minBytesPerSecond * windowMs) / 1_000) throw tooSlow(received, waitedMs);
        [waitedMs, received] = [0, 0];
      }
      if (arrived !== null) {
        yield arrived.value;
        next = iterator.next();
      }
    }
  } finally {
    if (!isDone) giveUp();
  }
}

/** What the promise brings, or null when it takes longer. A rejection that comes later is nobody's any more. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), Math.max(0, ms));
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const tooSlow = (bytes: number, ms: number): CodedError =>
  new CodedError('DOWNLOAD_TOO_SLOW', `${bytes} bytes arrived in ${Math.round(ms)} ms`);
