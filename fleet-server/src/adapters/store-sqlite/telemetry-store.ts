import { setImmediate as turn } from 'node:timers/promises';
import { bucketOf, type Retention, STEPS } from '../../core/telemetry/buckets.ts';
import type { TelemetryStore } from '../../ports/telemetry.ts';
import type { RollUps } from './roll-ups.ts';
import type { TelemetryQueries } from './telemetry-queries.ts';
import type { TelemetryRows } from './telemetry-rows.ts';

/** Who answers questions about counts by time. */
export type TelemetryReader = Pick<TelemetryStore, keyof TelemetryQueries>;

/** Counts by time: written here, on the thread of ingest; read by whoever the reader is. */
export function telemetryStore(parts: {
  readonly heartbeats: TelemetryRows;
  readonly sums: RollUps;
  readonly reader: TelemetryReader;
  readonly retention: Retention;
}): TelemetryStore {
  const { heartbeats, sums, reader, retention } = parts;
  return {
    async setGroups(groups) {
      sums.setGroups(groups);
    },
    byGroup: reader.byGroup,
    ofDevice: reader.ofDevice,
    byDevice: reader.byDevice,
    async dropOld(nowMs, signal) {
      const rawBeforeMs = bucketOf(nowMs, 'day') - retention.rawDays * STEPS.day;
      // Reports come between two parts.
      while (!signal.aborted && (heartbeats.dropSome(rawBeforeMs) || sums.dropSome(nowMs))) await turn();
    },
  };
}
