/** The smallest value that at least the share `q` (0 to 1) of the values does not exceed. NaN without values. */
export function percentile(values: Float64Array, q: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(Float64Array.from(values), 0.5);

export function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
