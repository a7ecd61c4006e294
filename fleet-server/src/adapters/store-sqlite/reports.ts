import { CodedError } from '@ringfleet/shared/errors';
import type { Database } from 'better-sqlite3';
import type { Page, ReportStore, StoredReport } from '../../ports/stores.ts';
import { acknowledgementsOf } from './acknowledgements.ts';
import type { ControlDatabase } from './control-database.ts';
import { gather } from './gather.ts';
import { ingester } from './ingest.ts';
import { knownReleases } from './known-releases.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';
import { reportRows } from './report-rows.ts';
import { reportTallies } from './report-tallies.ts';
import type { RollUps } from './roll-ups.ts';
import type { ReportRow, TelemetryRows } from './telemetry-rows.ts';
import { telemetryWriter } from './telemetry-writer.ts';

export function reportStore(
  db: ControlDatabase,
  telemetryDb: Database,
  telemetry: TelemetryRows,
  rollUps: RollUps,
): ReportStore {
  const rows = reportRows(db);
  const tallies = reportTallies(db);
  const writer = telemetryWriter(telemetryDb, telemetry, rollUps);
  const ingest = gather(ingester(db, { rows, telemetry: writer, tallies, releasedAs: knownReleases(db) }));
  const acknowledgements = acknowledgementsOf(db);
  return {
    async ingest(device, envelopes, receivedAtMs) {
      return envelopes.length === 0 ? [] : ingest({ device, envelopes, receivedAtMs });
    },
    async acknowledgements(device) {
      return acknowledgements(device);
    },
    async list(device, query) {
      const { limit, stream } = query;
      const before = beforeIds(query.cursor);
      const merged = [
        ...(stream === 'tele' ? [] : rows.list(device, stream ?? null, before.report, limit + 1)),
        ...(stream === undefined || stream === 'tele' ? telemetry.list(device, before.tele, limit + 1) : []),
      ].sort((a, b) => b.received_at_ms - a.received_at_ms || b.id - a.id);
      return mergedPage(merged, limit, before);
    },
    async quarantined(query) {
      const { device = null, code = null } = query;
      const before = afterKey(query, FROM_NEWEST);
      const found = rows.listQuarantined({ device, code, before, limit: query.limit + 1 });
      return pageOf(
        found,
        query,
        (row) => row.id,
        ({ id: _, received_at_ms: receivedAtMs, ...row }) => ({ ...row, receivedAtMs }),
      );
    },
    async note(notes) {
      db.write(() => {
        for (const note of notes) tallies.add(note);
      });
    },
    async intakeOf(device) {
      return { tallies: tallies.of(device), gaps: tallies.gaps(device) };
    },
    async intakeOfFleet() {
      return tallies.ofFleet();
    },
  };
}

/** The list is merged from two files, so its cursor holds a place in each. */
interface Before {
  readonly report: number;
  readonly tele: number;
}

function beforeIds(cursor: string | undefined): Before {
  if (cursor === undefined) return { report: FROM_NEWEST, tele: FROM_NEWEST };
  const [report, tele] = Buffer.from(cursor, 'base64url').toString('utf8').split('.', 2).map(Number);
  if (!Number.isSafeInteger(report) || !Number.isSafeInteger(tele)) {
    throw new CodedError('CURSOR_INVALID', undefined, { at: '/cursor' });
  }
  return { report: report as number, tele: tele as number };
}

function mergedPage(merged: readonly ReportRow[], limit: number, before: Before): Page<StoredReport> {
  const shown = merged.slice(0, limit);
  let { report, tele } = before;
  for (const row of shown) {
    if (row.stream === 'tele') tele = row.id;
    else report = row.id;
  }
  const next = merged.length > limit ? Buffer.from(`${report}.${tele}`).toString('base64url') : null;
  return { items: shown.map(toStored), next };
}

const toStored = (row: ReportRow): StoredReport => ({
  journal: row.journal,
  start: row.start,
  stream: row.stream,
  seq: row.seq,
  atMs: row.at_ms,
  receivedAtMs: row.received_at_ms,
  body: JSON.parse(row.body) as unknown,
});
