import type { FeatureProfile } from '../release/index.ts';
import { type FeatureCounter, featureCounter } from './bins.ts';
import { LagOneCorrelation, strideOf } from './decision-stride.ts';
import { psi } from './divergence.ts';
import { BASE_WINDOW, type ClosedWindow, WindowPyramid } from './window-pyramid.ts';

/** The stability index of the largest window that is full, the number shown to people. */
export interface CurrentPsi {
  readonly value: number;
  readonly samples: number;
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
  psi(): CurrentPsi | undefined {
    const window = this.#windows.windows().at(-1);
    if (!window || this.#profile.counts.every((count) => count === 0)) return undefined;
    return { value: psi(this.#profile.counts, window.counts), samples: window.samples };
  }
}
