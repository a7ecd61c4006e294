import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import { clopperPearson } from '@ringfleet/shared/stats';
import type { GroupBucket } from '../../ports/telemetry.ts';
import { type ModelCounts, NO_COUNTS, plusCounts } from './model-counts.ts';

/** What rows of a view are told apart by. */
export type GroupedBy = 'release' | 'ring' | 'site' | 'hardware';

/** Answers and failures of one release, ring, site or kind of hardware over a range. */
export interface HealthRow {
  /** A version, a ring and so on; empty: devices that have none. */
  readonly key: string;
  readonly reports: number;
  readonly answers: number;
  readonly failures: number;
  readonly rejected: number;
  readonly fallbacks: number;
  readonly runnerRestarts: number;
  /** Failures of 1 000 requests that were not refused for their own fault, with its exact 95 % interval; null: no requests. */
  readonly failuresPerThousand: {
    readonly value: number;
    readonly lower: number;
    readonly upper: number;
  } | null;
  readonly latency: LatencyView | null;
}

/** Upper bounds in µs of the histogram's bins that hold the quantiles; null: slower than the last bound. */
export interface LatencyView {
  readonly p50AtMostUs: number | null;
  readonly p95AtMostUs: number | null;
  readonly p99AtMostUs: number | null;
}

export function healthRows(buckets: readonly GroupBucket[], by: GroupedBy): readonly HealthRow[] {
  return [...sumBy(buckets, by)].map(([key, counts]) => healthRow(key, counts));
}

export function healthRow(key: string, counts: ModelCounts): HealthRow {
  const { reports, answers, failures, rejected, fallbacks, runnerRestarts, latencyUs } = counts;
  const requests = answers + failures;
  const { lower, upper } = clopperPearson(failures, requests);
  return {
    key,
    reports,
    answers,
    failures,
    rejected,
    fallbacks,
    runnerRestarts,
    failuresPerThousand:
      requests === 0
        ? null
        : { value: (1_000 * failures) / requests, lower: 1_000 * lower, upper: 1_000 * upper },
    latency: latencyUs.some((count) => count > 0)
      ? {
          p50AtMostUs: quantileBound(latencyUs, 0.5),
          p95AtMostUs: quantileBound(latencyUs, 0.95),
          p99AtMostUs: quantileBound(latencyUs, 0.99),
        }
      : null,
  };
}

/** Merged counts by key, keys in order. */
export function sumBy(buckets: readonly GroupBucket[], by: GroupedBy): ReadonlyMap<string, ModelCounts> {
  const sums = new Map<string, ModelCounts>();
  for (const bucket of buckets) {
    const key = by === 'release' ? bucket.version : bucket[by];
    sums.set(key, plusCounts(sums.get(key) ?? NO_COUNTS, bucket.counts));
  }
  return new Map([...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The least bound below which at least the share `q` lies. */
function quantileBound(counts: readonly number[], q: number): number | null {
  const needed = q * counts.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [i, count] of counts.entries()) {
    seen += count;
    if (seen >= needed) return LATENCY_BOUNDS_US[i] ?? null;
  }
  return null;
}
