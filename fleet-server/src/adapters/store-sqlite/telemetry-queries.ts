import type { Database } from 'better-sqlite3';
import type { Step } from '../../core/telemetry/buckets.ts';
import { type ModelCounts, plusCounts } from '../../core/telemetry/model-counts.ts';
import type { DeviceBucket, GroupBucket, TelemetryStore } from '../../ports/telemetry.ts';
import { dayNames, daysOf } from './day-tables.ts';

/** The reads of TelemetryStore, on a connection of their own. */
export type TelemetryQueries = {
  readonly [name in 'byGroup' | 'ofDevice' | 'byDevice']: (
    query: Parameters<TelemetryStore[name]>[0],
  ) => Awaited<ReturnType<TelemetryStore[name]>>;
};

interface GroupRow {
  digest: string;
  version: string;
  ring: string;
  site: string;
  hardware: string;
  start_ms: number;
  body: string;
}
interface DeviceRow {
  device: string;
  digest: string;
  version: string;
  start_ms: number;
  body: string;
}

export function telemetryQueries(db: Database): TelemetryQueries {
  function tablesOf(prefix: string, step: Step, fromMs: number, toMs: number): readonly string[] {
    if (step === 'day') return [`${prefix}_days`];
    const name = `${prefix}_${step}s`;
    const wanted = new Set(dayNames(fromMs, toMs));
    return daysOf(db, name)
      .filter((day) => wanted.has(day))
      .sort()
      .map((day) => `${name}_${day}`);
  }
  return {
    byGroup({ model, fromMs, toMs, step }) {
      const found: GroupBucket[] = [];
      for (const table of tablesOf('group', step, fromMs, toMs)) {
        const rows = db.prepare<[string, number, number], GroupRow>(
          `SELECT * FROM ${table} WHERE model = ? AND start_ms >= ? AND start_ms < ?
           ORDER BY start_ms, digest, ring, site, hardware`,
        );
        for (const { start_ms, body, ...row } of rows.iterate(model, fromMs, toMs)) {
          const { digest, version, ring, site, hardware } = row;
          found.push({ digest, version, ring, site, hardware, startMs: start_ms, counts: parse(body) });
        }
      }
      return found;
    },
    ofDevice({ model, fromMs, toMs, step, device }) {
      const found: DeviceBucket[] = [];
      for (const table of tablesOf('device', step, fromMs, toMs)) {
        const rows = db.prepare<[string, string, number, number], DeviceRow>(
          `SELECT * FROM ${table} WHERE device = ? AND model = ? AND start_ms >= ? AND start_ms < ?
           ORDER BY start_ms, digest`,
        );
        found.push(...rows.all(device, model, fromMs, toMs).map(toDeviceBucket));
      }
      return found;
    },
    byDevice({ model, fromMs, toMs, step, digest }) {
      const sums = new Map<string, DeviceBucket>();
      for (const table of tablesOf('device', step, fromMs, toMs)) {
        const rows = db.prepare<
          [{ model: string; fromMs: number; toMs: number; digest: string | null }],
          DeviceRow
        >(
          `SELECT * FROM ${table} WHERE model = @model AND start_ms >= @fromMs AND start_ms < @toMs
             AND (@digest IS NULL OR digest = @digest)`,
        );
        for (const row of rows.iterate({ model, fromMs, toMs, digest: digest ?? null })) {
          const bucket = toDeviceBucket(row);
          const key = `${row.device} ${row.digest}`;
          const known = sums.get(key);
          const startMs = Math.min(known?.startMs ?? bucket.startMs, bucket.startMs);
          const counts = known ? plusCounts(known.counts, bucket.counts) : bucket.counts;
          sums.set(key, { ...bucket, startMs, counts });
        }
      }
      return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bucket]) => bucket);
    },
  };
}

const toDeviceBucket = ({ device, digest, version, start_ms, body }: DeviceRow): DeviceBucket => ({
  device,
  digest,
  version,
  startMs: start_ms,
  counts: parse(body),
});

const parse = (body: string): ModelCounts => JSON.parse(body) as ModelCounts;
