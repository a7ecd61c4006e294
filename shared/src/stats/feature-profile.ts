import type { FeatureProfile } from '../release/index.ts';
import { binCount, binOf } from './bins.ts';
import { quantileEdges } from './quantile-edges.ts';

const MAX_DISTINCT = 20;
const DEFAULT_BINS = 10;

/**
 * The reference of one watched number: at most 20 distinct values get one bin each plus "other", more get bins at the
 * quantiles. Pass the values as the tensor holds them (FP32 rounded), as `featureValues` reads them, or the device will
 * count other numbers than the ones profiled. Values that are not finite are left out.
 */
export function buildFeatureProfile(
  name: string,
  values: ArrayLike<number>,
  bins: number = DEFAULT_BINS,
): FeatureProfile {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  const distinct = [...new Set(finite)];
  const isDiscrete = distinct.length <= MAX_DISTINCT;
  const shape = isDiscrete ? { values: distinct } : { edges: quantileEdges(finite, bins) };
  const empty: FeatureProfile = {
    name,
    ...shape,
    counts: [],
    ...momentsOf(finite),
    min: finite[0] ?? 0,
    max: finite.at(-1) ?? 0,
  };
  const counts = new Array<number>(binCount(empty)).fill(0);
  for (const value of finite) counts[binOf(empty, value)] = (counts[binOf(empty, value)] as number) + 1;
  return { ...empty, counts };
}

/** Mean and sample standard deviation (n - 1), by Welford's update. */
function momentsOf(values: Float64Array): { mean: number; standardDeviation: number } {
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const delta = (values[i] as number) - mean;
    mean += delta / (i + 1);
    squares += delta * ((values[i] as number) - mean);
  }
  return { mean, standardDeviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}
