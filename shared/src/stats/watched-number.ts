import type { FeatureProfile } from '../release/index.ts';
import { type FeatureCounter, featureCounter } from './bins.ts';
import { DecisionBudget } from './decision-budget.ts';
import { LagOneCorrelation, strideOf } from './decision-stride.ts';
import { binnedKolmogorovSmirnov, gTest, jensenShannon, psi } from './divergence.ts';
import { DriftAlarm } from './drift-alarm.ts';
import { StuckRun } from './stuck-run.ts';
import { type ClosedWindow, WindowPyramid } from './window-pyramid.ts';

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

/** What is wrong with a number now. */
export interface NumberAlarm {
  readonly kind: 'drift' | 'stuck';
  /** G of a window and its threshold; equal values in a row and how many are allowed. */
  readonly value: number;
  readonly limit: number;
  readonly samples: number;
  readonly ageMs: number;
}

/**
 * One number that is watched: all of it is counted, and every k-th sample, as far as neighbours are alike and the month's
 * budget goes, enters windows of 128 to 16 384 that alarms are decided on. Bounded, and a few additions a sample. Time
 * is any clock that only goes forward.
 */
export class WatchedNumber {
  readonly counter: FeatureCounter;
  readonly #profile: FeatureProfile;
  /** The reference, thinned as the samples are. */
  readonly #reference: readonly number[];
  readonly #windows: WindowPyramid;
  readonly #correlation = new LagOneCorrelation();
  readonly #budget = new DecisionBudget();
  readonly #drift: DriftAlarm;
  readonly #stuck: StuckRun;
  /** When each was raised. */
  #driftMs: number | undefined;
  #stuckMs: number | undefined;
  #stride: number;
  #skipped = 0;

  constructor(profile: FeatureProfile) {
    const { counts, stride = 1, thresholds = [], stuckAfter = Number.POSITIVE_INFINITY } = profile;
    this.#profile = profile;
    this.#stride = stride;
    this.counter = featureCounter(profile);
    this.#windows = new WindowPyramid(this.counter.bins.length);
    this.#reference = counts.map((count) => count / stride);
    this.#drift = new DriftAlarm(this.#reference, thresholds);
    this.#stuck = new StuckRun(stuckAfter);
  }

  add(x: number, nowMs: number): void {
    const bin = this.counter.add(x);
    if (bin < 0) return;
    this.#correlation.add(x);
    this.#stuck.add(x, nowMs);
    this.#stuckMs = this.#stuck.raised === undefined ? undefined : (this.#stuckMs ?? nowMs);
    this.#skipped += 1;
    if (this.#skipped < this.#stride || !this.#budget.take(nowMs)) return;
    this.#skipped = 0;
    if (!this.#windows.add(bin)) return;
    this.#decide(nowMs);
    // A logarithm; the correlation moves slowly.
    this.#stride = this.#strideNow();
  }

  windows(): ClosedWindow[] {
    return this.#windows.windows();
  }

  alarms(nowMs: number): NumberAlarm[] {
    const { raised: drift } = this.#drift;
    const { raised: run } = this.#stuck;
    const alarms: NumberAlarm[] = [];
    if (drift) {
      const { g: value, threshold: limit, samples } = drift;
      alarms.push({ kind: 'drift', value, limit, samples, ageMs: nowMs - (this.#driftMs ?? nowMs) });
    }
    if (run !== undefined) {
      const limit = this.#profile.stuckAfter ?? 0;
      alarms.push({
        kind: 'stuck',
        value: run,
        limit,
        samples: run,
        ageMs: nowMs - (this.#stuckMs ?? nowMs),
      });
    }
    return alarms;
  }

  /** Undefined before the first window is full, and for a profile that counted nothing. */
  drift(): Drift | undefined {
    const window = this.#windows.windows().at(-1);
    if (!window || this.#profile.counts.every((count) => count === 0)) return undefined;
    const { counts, edges } = this.#profile;
    return {
      value: psi(counts, window.counts),
      samples: window.samples,
      g: gTest(this.#reference, window.counts).g,
      js: jensenShannon(counts, window.counts),
      ...(edges ? { ks: binnedKolmogorovSmirnov(counts, window.counts) } : {}),
    };
  }

  #decide(nowMs: number): void {
    const change = this.#drift.look(this.#windows.windows());
    this.#driftMs = this.#drift.raised ? (this.#driftMs ?? nowMs) : undefined;
    if (change === 'ended') this.#windows.reset();
  }

  /** What the training data showed, or the stream shows, whichever is more careful. */
  #strideNow(): number {
    return Math.max(this.#profile.stride ?? 1, strideOf(this.#correlation.value));
  }
}
