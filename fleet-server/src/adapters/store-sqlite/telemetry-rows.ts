import type { ReportId } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';

export interface NewRow {
  readonly id: ReportId;
  readonly atMs: number;
  readonly receivedAtMs: number;
  readonly sha256: Buffer;
  readonly body: string;
}

export interface ReportRow {
  id: number;
  journal: string;
  start: number;
  stream: string;
  seq: number;
  at_ms: number;
  received_at_ms: number;
  body: string;
}

export interface TelemetryRows {
  /** Stores what is not there yet, in one transaction. */
  insert(device: string, rows: readonly NewRow[]): void;
  sha256(device: string, id: ReportId): Buffer | null;
  /** Newest first, with ids below `before`. */
  list(device: string, before: number, limit: number): ReportRow[];
}

/** Heartbeats as they came, one row each, in telemetry.db. */
export function telemetryRows(db: Database): TelemetryRows {
  const insert = db.prepare(
    `INSERT OR IGNORE INTO telemetry (device, journal, start, seq, at_ms, received_at_ms, sha256, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const sha256 = db.prepare<[string, string, number, number], { sha256: Buffer }>(
    'SELECT sha256 FROM telemetry WHERE device = ? AND journal = ? AND start = ? AND seq = ?',
  );
  const list = db.prepare<[string, number, number], ReportRow>(
    `SELECT id, journal, start, 'tele' AS stream, seq, at_ms, received_at_ms, body FROM telemetry
     WHERE device = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  );
  const insertAll = db.transaction((device: string, rows: readonly NewRow[]) => {
    for (const { id, atMs, receivedAtMs, sha256: hash, body } of rows) {
      insert.run(device, id.journal, id.start, id.seq, atMs, receivedAtMs, hash, body);
    }
  });
  return {
    insert(device, rows) {
      if (rows.length > 0) insertAll.immediate(device, rows);
    },
    sha256: (device, id) => sha256.get(device, id.journal, id.start, id.seq)?.sha256 ?? null,
    list: (device, before, limit) => list.all(device, before, limit),
  };
}
