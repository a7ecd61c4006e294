import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { type TelemetryQueries, telemetryQueries } from './telemetry-queries.ts';

/** The worker thread that reads telemetry.db: a slow question never stands in the way of a report. */
const db = new BetterSqlite3((workerData as { path: string }).path, { readonly: true });
db.pragma('busy_timeout = 5000');
const queries = telemetryQueries(db);

export interface ReaderQuestion {
  readonly id: number;
  readonly name: keyof TelemetryQueries;
  readonly query: unknown;
}

parentPort?.on('message', ({ id, name, query }: ReaderQuestion) => {
  try {
    parentPort?.postMessage({ id, result: queries[name](query as never) });
  } catch (err) {
    parentPort?.postMessage({ id, error: err instanceof Error ? err.message : String(err) });
  }
});
