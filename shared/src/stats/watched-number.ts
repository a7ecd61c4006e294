import type { FeatureProfile } from '../release/index.ts';
import { type FeatureCounter, featureCounter } from './bins.ts';
import { LagOneCorrelation, strideOf } from './decision-stride.ts';
import { binnedKolmogorovSmirnov, gTest, jensenShannon, psi } from './divergence.ts';
import { BASE_WINDOW, type ClosedWindow, WindowPyramid } from './window-pyramid.ts';

/** How far the largest window that is full is from the reference. */
export interface Drift {
  /** Stability index, the number shown to people. */
  readonly value: number;
  readonly samples: number;
  /** G statistic, what decides. */
  readonly g: number;
  /** Jensen-Shannon distance, 0 to 1. */
  readonly js: number;
  /** Kolmogorov-Smirnov distance between bins, 0 to 1; only where bins are ranges in order. */
  readonly ks?: number;
}

/**
 * One number that is watched: all of it is counted, and every k-th sample, as far as neighbours are alike, goes into
 * windows of 128 to 16 384. Bounded, and a few additions a sample.
 */
export class WatchedNumber {
  readonly counter: FeatureCounter;
  readonly #profile: FeatureProfile;
  readonly #windows: WindowPyramid;
  readonly #correlation = new LagOneCorrelation();
  #stride = 1;
  #skipped = 0;
  #taken = 0;

  constructor(profile: FeatureProfile) {
    this.#profile = profile;
    this.counter = featureCounter(profile);
    this.#windows = new WindowPyramid(this.counter.bins.length);
  }

  add(x: number): void {
    const bin = this.counter.add(x);
    if (bin < 0) return;
    this.#correlation.add(x);
    this.#skipped += 1;
    if (this.#skipped < this.#stride) return;
    this.#skipped = 0;
    this.#windows.add(bin);
    this.#taken += 1;
    // A logarithm; the correlation moves slowly.
    if (this.#taken % BASE_WINDOW === 0) this.#stride = strideOf(this.#correlation.value);
  }

  windows(): ClosedWindow[] {
    return this.#windows.windows();
  }

  /** Undefined before the first window is full, and for a profile that counted nothing. */
  drift(): Drift | undefined {
    const window = this.#windows.windows().at(-1);
    if (!window || this.#profile.counts.every((count) => count === 0)) return undefined;
    const { counts, edges } = this.#profile;
    return {
      value: psi(counts, window.counts),
      samples: window.samples,
      g: gTest(counts, window.counts).g,
      js: jensenShannon(counts, window.counts),
      ...(edges ? { ks: binnedKolmogorovSmirnov(counts, window.counts) } : {}),
    };
  }
}
