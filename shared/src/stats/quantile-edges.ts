/**
 * Inner bin edges at the reference's quantiles: numpy's default method (type 7), each rounded to 12 significant digits
 * so that an edge equal to a data value is exact on every machine, then unique and ascending.
 */
export function quantileEdges(values: ArrayLike<number>, bins: number): number[] {
  const sorted = Float64Array.from(values).sort();
  const edges: number[] = [];
  if (sorted.length === 0) return edges;
  for (let i = 1; i < bins; i++) {
    const edge = Number(quantile(sorted, i / bins).toPrecision(12));
    if (edges.length === 0 || edge > (edges.at(-1) as number)) edges.push(edge);
  }
  return edges;
}

function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const low = Math.floor(position);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  const t = position - low;
  // numpy interpolates from the nearer end, which decides the last digit.
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}
