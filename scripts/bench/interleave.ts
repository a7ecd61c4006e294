import type { LoadResult } from './load/closed-loop.ts';
import { joined, median, percentile } from './percentiles.ts';

/** One thing to measure; asked for one slice at a time. */
export type Lane = () => Promise<LoadResult>;

export interface Measured {
  /** Per slice, so that slices of one round can be compared. */
  readonly p50s: readonly number[];
  readonly p50Us: number;
  readonly p99Us: number;
  /** Median of the slices' rates. */
  readonly perSecond: number;
}

/**
 * A B C, A B C ...: each lane gets a slice in every round, so that whatever the machine does meanwhile meets all of
 * them. The first round warms up. Throws when a request failed: a fast error is no figure.
 */
export async function interleave<Name extends string>(
  lanes: Readonly<Record<Name, Lane>>,
  rounds: number,
): Promise<Readonly<Record<Name, Measured>>> {
  const names = Object.keys(lanes) as Name[];
  const slices = new Map<Name, LoadResult[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const result = await lanes[name]();
      if (result.failed > 0) throw new Error(`${name}: ${result.failed} requests failed, ${result.failure}`);
      if (round > 0) slices.get(name)?.push(result);
    }
  }
  const measured = names.map((name) => [name, measuredOf(slices.get(name) ?? [])] as const);
  return Object.fromEntries(measured) as Record<Name, Measured>;
}

function measuredOf(slices: readonly LoadResult[]): Measured {
  const all = joined(slices.map((slice) => slice.latenciesUs));
  return {
    p50s: slices.map((slice) => percentile(slice.latenciesUs, 0.5)),
    p50Us: percentile(all, 0.5),
    p99Us: percentile(all, 0.99),
    perSecond: median(slices.map((slice) => (slice.latenciesUs.length / slice.elapsedMs) * 1000)),
  };
}

/** The median over rounds of what `compare` makes of the slices of one round. */
export const perRound = (
  lanes: readonly Measured[],
  compare: (...p50s: readonly number[]) => number,
): number =>
  median((lanes[0]?.p50s ?? []).map((_, round) => compare(...lanes.map((lane) => lane.p50s[round] ?? 0))));
