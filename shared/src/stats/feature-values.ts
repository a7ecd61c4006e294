import type { FeatureSpec } from '../release/index.ts';

/**
 * The watched number of each sample of one input: the scalar at the feature's index, or the mean of an image. `values`
 * is the whole flattened tensor with `samples` samples of equal size. The builder and the device both read it here, so
 * that a profile and its counts speak of the same number.
 */
export function featureValues(
  feature: FeatureSpec,
  values: ArrayLike<number>,
  samples: number,
): Float64Array<ArrayBuffer> {
  const size = samples > 0 ? values.length / samples : 0;
  const out = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    const start = s * size;
    out[s] =
      feature.kind === 'image'
        ? mean(values, start, size)
        : (values[start + (feature.index ?? 0)] ?? Number.NaN);
  }
  return out;
}

function mean(values: ArrayLike<number>, start: number, size: number): number {
  let sum = 0;
  for (let i = start; i < start + size; i++) sum += values[i] as number;
  return sum / size;
}
