import type { ReportId, Stream } from '@ringfleet/shared/protocol';
import type { ControlDatabase } from './control-database.ts';
import type { NewRow, ReportRow } from './telemetry-rows.ts';

export interface ReportRows {
  insert(device: string, row: NewRow): void;
  sha256(device: string, id: ReportId): Buffer | null;
  /** True when this content was not yet kept aside under this key. */
  quarantine(device: string, row: NewRow, code: string, reason: string): boolean;
  /** The code under which exactly this content is kept aside. */
  quarantinedAs(device: string, id: ReportId, sha256: Buffer): string | null;
  /** True when any content is kept aside under this key. */
  isQuarantined(device: string, id: ReportId): boolean;
  list(device: string, stream: string | null, before: number, limit: number): ReportRow[];
  listQuarantined(query: QuarantineQuery): QuarantineRow[];
}

export interface QuarantineQuery {
  device: string | null;
  code: string | null;
  before: number;
  limit: number;
}

export interface QuarantineRow {
  id: number;
  device: string;
  journal: string;
  start: number;
  stream: Stream;
  seq: number;
  code: string;
  reason: string;
  received_at_ms: number;
}

/** Of one device: more of the same says nothing new, and must not fill the disk. They are counted all the same. */
const MOST_OF_DEVICE = 1_000;

/** Rows of the streams `state` and `event`, and whatever had to be kept aside, in control.db. */
export function reportRows(db: ControlDatabase): ReportRows {
  type Key = [string, string, number, string, number];
  const where = 'device = ? AND journal = ? AND start = ? AND stream = ? AND seq = ?';
  const insert = db.prepare(
    `INSERT INTO reports (device, journal, start, stream, seq, at_ms, received_at_ms, sha256, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const sha256 = db.prepare<Key, { sha256: Buffer }>(`SELECT sha256 FROM reports WHERE ${where}`);
  const quarantine = db.prepare(
    `INSERT OR IGNORE INTO quarantined_reports
       (device, journal, start, stream, seq, sha256, code, reason, received_at_ms, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const quarantined = db.prepare<[...Key, Buffer], { code: string }>(
    `SELECT code FROM quarantined_reports WHERE ${where} AND sha256 = ?`,
  );
  const anyQuarantined = db.prepare<Key, { ok: number }>(
    `SELECT 1 AS ok FROM quarantined_reports WHERE ${where} LIMIT 1`,
  );
  const list = db.prepare<
    [{ device: string; before: number; stream: string | null; limit: number }],
    ReportRow
  >(
    `SELECT id, journal, start, stream, seq, at_ms, received_at_ms, body FROM reports
     WHERE device = @device AND id < @before AND (@stream IS NULL OR stream = @stream) ORDER BY id DESC LIMIT @limit`,
  );
  const listQuarantined = db.prepare<[QuarantineQuery], QuarantineRow>(
    `SELECT id, device, journal, start, stream, seq, code, reason, received_at_ms FROM quarantined_reports
     WHERE id < @before AND (@device IS NULL OR device = @device) AND (@code IS NULL OR code = @code)
     ORDER BY id DESC LIMIT @limit`,
  );
  const trim = db.prepare<[string, string]>(
    `DELETE FROM quarantined_reports WHERE device = ? AND id <=
       (SELECT id FROM quarantined_reports WHERE device = ? ORDER BY id DESC LIMIT 1 OFFSET ${MOST_OF_DEVICE})`,
  );
  const keyOf = (device: string, { journal, start, stream, seq }: ReportId): Key => [
    device,
    journal,
    start,
    stream,
    seq,
  ];
  return {
    insert(device, row) {
      insert.run(...keyOf(device, row.id), row.atMs, row.receivedAtMs, row.sha256, row.body);
    },
    sha256: (device, id) => sha256.get(...keyOf(device, id))?.sha256 ?? null,
    quarantine(device, row, code, reason) {
      const shown = reason.slice(0, 1000);
      const key = keyOf(device, row.id);
      const isNew = quarantine.run(...key, row.sha256, code, shown, row.receivedAtMs, row.body).changes === 1;
      if (isNew) trim.run(device, device);
      return isNew;
    },
    quarantinedAs: (device, id, hash) => quarantined.get(...keyOf(device, id), hash)?.code ?? null,
    isQuarantined: (device, id) => anyQuarantined.get(...keyOf(device, id)) !== undefined,
    list: (device, stream, before, limit) => list.all({ device, stream, before, limit }),
    listQuarantined: (query) => listQuarantined.all(query),
  };
}
