import type { FeatureProfile } from '../release/index.ts';

type Binning = Pick<FeatureProfile, 'edges' | 'values'>;

/** Bins of a profile: k inner edges make k + 1, n values make n and "other". */
export const binCount = (profile: Binning): number => (profile.edges ?? profile.values ?? []).length + 1;

/** The bin of a finite number: e[i-1] <= x < e[i] with open outer bins, or its value's bin, the last being "other". */
export function binOf(profile: Binning, x: number): number {
  if (profile.edges === undefined) {
    const values = profile.values ?? [];
    const i = values.indexOf(x);
    return i < 0 ? values.length : i;
  }
  const { edges } = profile;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (x < (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Counts of one feature. What lies outside the reference's range is in its bin and counted apart as well. */
export interface FeatureCounter {
  readonly bins: number[];
  missing: number;
  nonFinite: number;
  outOfRange: number;
  /** Gives the bin, or -1 for what is no number. */
  add(x: number): number;
}

/** Counts by the bins of a reference profile, in plain additions: this runs on every inference. */
export function featureCounter(profile: FeatureProfile): FeatureCounter {
  return {
    bins: new Array<number>(binCount(profile)).fill(0),
    missing: 0,
    nonFinite: 0,
    outOfRange: 0,
    add(x) {
      if (!Number.isFinite(x)) {
        this.nonFinite += 1;
        return -1;
      }
      if (x < profile.min || x > profile.max) this.outOfRange += 1;
      const i = binOf(profile, x);
      this.bins[i] = (this.bins[i] as number) + 1;
      return i;
    },
  };
}

/** The bin of a histogram whose bins are bounded from above (`x <= bound`), one more for what is larger. */
export function histogramBin(bounds: readonly number[], x: number): number {
  const i = bounds.findIndex((bound) => x <= bound);
  return i < 0 ? bounds.length : i;
}
