import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import { histogramBin } from '@ringfleet/shared/stats';
import { restAfter } from '../core/shadow.ts';
import type { Mirror } from '../ports/router.ts';
import type { InferCall, InferReply, Runner } from '../ports/runtime.ts';

/** Larger pairs of request and answer are not worth the copying. */
const MAX_PAIR_BYTES = 1024 * 1024;

/**
 * Shows a sample of live requests to a candidate, one at a time and at most a quarter of the time. Whatever the candidate
 * does, taking a request costs the inference path a few comparisons and never a wait: what does not fit is dropped.
 */
export class ShadowWatch {
  readonly latencyUs = bins();
  readonly activeLatencyUs = bins();
  compared = 0;
  agreed = 0;
  failures = 0;
  dropped = 0;
  distanceSum = 0;
  /** Why answers could not be compared, the last time that happened. */
  incomparable: string | null = null;
  readonly #runner: Runner;
  readonly #samplePerMille: number;
  readonly #random: () => number;
  readonly #signal: AbortSignal;
  #isBusy = false;
  #restUntil = 0;

  constructor(runner: Runner, samplePerMille: number, random: () => number, signal: AbortSignal) {
    this.#runner = runner;
    this.#samplePerMille = samplePerMille;
    this.#random = random;
    this.#signal = signal;
  }

  /** For the router. */
  readonly take: Mirror = (call, reply) => {
    if (this.#signal.aborted || this.#random() * 1000 >= this.#samplePerMille) return;
    count(this.activeLatencyUs, reply.computeUs);
    const isTooLarge = call.body.length + reply.body.length > MAX_PAIR_BYTES;
    if (this.#isBusy || isTooLarge || performance.now() < this.#restUntil) {
      this.dropped += 1;
      return;
    }
    this.#isBusy = true;
    // After the answer is on its way.
    setImmediate(() => void this.#show(call, reply));
  };

  async #show(call: InferCall, reply: Extract<InferReply, { ok: true }>): Promise<void> {
    const startedAt = performance.now();
    try {
      const shown = await this.#runner.shadow(call, reply, this.#signal);
      if (shown.ok) {
        this.compared += 1;
        if (shown.agrees) this.agreed += 1;
        this.distanceSum += shown.distance;
        count(this.latencyUs, shown.computeUs);
      } else if (shown.code === 'SHADOW_NOT_COMPARABLE') this.incomparable = shown.message;
      else this.failures += 1;
    } catch {
      // Its runner went, which the exit tells, or the shadow is over.
    } finally {
      this.#isBusy = false;
      this.#restUntil = performance.now() + restAfter(performance.now() - startedAt);
    }
  }
}

/** Upper bound of the bin that holds the median, microseconds; 0 of nothing. */
export function medianUs(counts: readonly number[]): number {
  const half = counts.reduce((total, count) => total + count, 0) / 2;
  let seen = 0;
  for (const [i, count] of counts.entries()) {
    seen += count;
    if (seen > 0 && seen >= half) return LATENCY_BOUNDS_US[i] ?? 10_000_000;
  }
  return 0;
}

const bins = (): number[] => Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);

function count(counts: number[], us: number): void {
  const bin = histogramBin(LATENCY_BOUNDS_US, us);
  counts[bin] = (counts[bin] ?? 0) + 1;
}
