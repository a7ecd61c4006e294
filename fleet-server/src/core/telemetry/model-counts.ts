import type { FeatureCounts, ModelTelemetry } from '@ringfleet/shared/protocol';

/**
 * What one or many heartbeats counted of one release. Plain sums: merging is exact, in any order, across devices, hours and
 * rings. Features are sorted by name; bins are those of the release's reference profile.
 */
export interface ModelCounts {
  readonly reports: number;
  readonly answers: number;
  readonly failures: number;
  readonly rejected: number;
  readonly fallbacks: number;
  readonly runnerRestarts: number;
  /** By LATENCY_BOUNDS_US. */
  readonly latencyUs: readonly number[];
  readonly features: readonly FeatureCounts[];
  readonly classes: readonly number[];
  readonly confidence: readonly number[];
}

export const NO_COUNTS: ModelCounts = {
  reports: 0,
  answers: 0,
  failures: 0,
  rejected: 0,
  fallbacks: 0,
  runnerRestarts: 0,
  latencyUs: [],
  features: [],
  classes: [],
  confidence: [],
};

/** One heartbeat's counts of one model. */
export function countsOf(model: ModelTelemetry): ModelCounts {
  const { answers, failures, rejected, fallbacks, runnerRestarts, latencyUs, classes, confidence } = model;
  return {
    reports: 1,
    answers,
    failures,
    rejected,
    fallbacks,
    runnerRestarts,
    latencyUs,
    features: model.features.map(pickFeature).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    classes: classes ?? [],
    confidence: confidence ?? [],
  };
}

export function plusCounts(a: ModelCounts, b: ModelCounts): ModelCounts {
  return {
    reports: a.reports + b.reports,
    answers: a.answers + b.answers,
    failures: a.failures + b.failures,
    rejected: a.rejected + b.rejected,
    fallbacks: a.fallbacks + b.fallbacks,
    runnerRestarts: a.runnerRestarts + b.runnerRestarts,
    latencyUs: plusBins(a.latencyUs, b.latencyUs),
    features: plusFeatures(a.features, b.features),
    classes: plusBins(a.classes, b.classes),
    confidence: plusBins(a.confidence, b.confidence),
  };
}

/** Adds bin by bin; where one is longer, the other counts as zero there. */
export function plusBins(a: readonly number[], b: readonly number[]): readonly number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  return short.length === 0 ? long : long.map((count, i) => count + (short[i] ?? 0));
}

function plusFeatures(a: readonly FeatureCounts[], b: readonly FeatureCounts[]): readonly FeatureCounts[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const sums: FeatureCounts[] = [];
  // Both are sorted: one walk merges them.
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [x, y] = [a[i], b[j]];
    if (x && (!y || x.name < y.name)) {
      sums.push(x);
      i += 1;
    } else if (y && (!x || y.name < x.name)) {
      sums.push(y);
      j += 1;
    } else if (x && y) {
      sums.push(plusFeature(x, y));
      i += 1;
      j += 1;
    }
  }
  return sums;
}

const plusFeature = (x: FeatureCounts, y: FeatureCounts): FeatureCounts => ({
  name: x.name,
  bins: [...plusBins(x.bins, y.bins)],
  missing: x.missing + y.missing,
  nonFinite: x.nonFinite + y.nonFinite,
  outOfRange: x.outOfRange + y.outOfRange,
});

const pickFeature = ({ name, bins, missing, nonFinite, outOfRange }: FeatureCounts): FeatureCounts => ({
  name,
  bins,
  missing,
  nonFinite,
  outOfRange,
});
