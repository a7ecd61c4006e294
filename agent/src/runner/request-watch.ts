import type { RequestExpectation } from '@ringfleet/shared/release';
import type { RunnerAlarm } from '../ports/runtime.ts';

/** An hour and the slice that is still filling. */
const SLICES = 13;
const SLICE_MS = 300_000;
const HOUR_MS = 3_600_000;

/** Whether requests come as often as the release says. Bounded: an hour in slices of five minutes. */
export class RequestWatch {
  readonly #expected: RequestExpectation;
  readonly #startedMs: number;
  readonly #slices = new Array<number>(SLICES).fill(0);
  #slice = 0;
  #lastMs: number;
  #rateSinceMs: number | undefined;

  constructor(expected: RequestExpectation, nowMs: number) {
    this.#expected = expected;
    this.#startedMs = nowMs;
    this.#lastMs = nowMs;
    this.#slice = Math.floor(nowMs / SLICE_MS);
  }

  add(nowMs: number): void {
    this.#move(nowMs);
    this.#lastMs = nowMs;
    const i = this.#slice % SLICES;
    this.#slices[i] = (this.#slices[i] as number) + 1;
  }

  /** `stale`: milliseconds without a request; `rate`: requests in an hour. */
  alarms(nowMs: number): RunnerAlarm[] {
    this.#move(nowMs);
    const { staleAfterMs, perHour } = this.#expected;
    const silentMs = nowMs - this.#lastMs;
    const isStale = staleAfterMs !== undefined && silentMs > staleAfterMs;
    const { requests, limit } = this.#rate(nowMs, perHour);
    this.#rateSinceMs = limit === undefined ? undefined : (this.#rateSinceMs ?? nowMs);
    return [
      ...(isStale
        ? [{ kind: 'stale', value: silentMs, limit: staleAfterMs, ageMs: silentMs - staleAfterMs } as const]
        : []),
      ...(limit === undefined
        ? []
        : [{ kind: 'rate', value: requests, limit, ageMs: nowMs - (this.#rateSinceMs ?? nowMs) } as const]),
    ];
  }

  /** Requests of an hour, a little more or less, and the limit they break. Too few can only be told after an hour. */
  #rate(nowMs: number, { min, max }: NonNullable<RequestExpectation['perHour']> = {}) {
    const longHour = this.#slices.reduce((sum, count) => sum + count, 0);
    const oldest = this.#slices[(this.#slice + 1) % SLICES] as number;
    const isWhole = nowMs - this.#startedMs >= HOUR_MS;
    if (max !== undefined && longHour - oldest > max) return { requests: longHour - oldest, limit: max };
    if (min !== undefined && isWhole && longHour < min) return { requests: longHour, limit: min };
    return { requests: longHour, limit: undefined };
  }

  #move(nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS);
    for (let i = Math.max(this.#slice + 1, slice - SLICES + 1); i <= slice; i++) this.#slices[i % SLICES] = 0;
    this.#slice = Math.max(slice, this.#slice);
  }
}
