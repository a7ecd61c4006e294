/** Bucket bounds of all durations, microseconds: from a tiny model on a fast board to the longest deadline worth seeing. */
export const DURATION_BOUNDS_US = [
  100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
  10_000_000,
] as const;

/** A duration histogram: observing is a few comparisons and two additions, everything else waits for the scrape. */
export class DurationHistogram {
  /** One more than there are bounds: the last one counts what lies above all. */
  readonly buckets = new Float64Array(DURATION_BOUNDS_US.length + 1);
  count = 0;
  sumUs = 0;

  observe(us: number): void {
    let i = 0;
    while (i < DURATION_BOUNDS_US.length && us > (DURATION_BOUNDS_US[i] as number)) i += 1;
    this.buckets[i] = (this.buckets[i] as number) + 1;
    this.count += 1;
    this.sumUs += us;
  }
}
