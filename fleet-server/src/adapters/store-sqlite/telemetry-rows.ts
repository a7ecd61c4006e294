import type { ReportId } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';
import { DayTables, dayName } from './day-tables.ts';

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
  /** Stores one heartbeat, inside the caller's transaction; answers the hash of what its key holds already, else null. */
  insert(device: string, row: NewRow): Buffer | null;
  sha256(device: string, id: ReportId): Buffer | null;
  /** Newest first, with ids below `before`. */
  list(device: string, before: number, limit: number): ReportRow[];
  /** Takes a part of what was received before this day away; false when there is nothing left to take. */
  dropSome(beforeMs: number): boolean;
  /** To be called when the caller's transaction was rolled back. */
  forget(): void;
}

const COLUMNS = `
  id INTEGER PRIMARY KEY, device TEXT NOT NULL, journal TEXT NOT NULL, start INTEGER NOT NULL, seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, received_at_ms INTEGER NOT NULL, sha256 BLOB NOT NULL, body TEXT NOT NULL`;
const BY_KEY = 'SELECT sha256 FROM TABLE WHERE device = ? AND journal = ? AND start = ? AND seq = ?';

/** Heartbeats as they came, one row each, in tables by the day they were received; the view `heartbeats` shows all of them. */
export function telemetryRows(db: Database): TelemetryRows {
  const open = (): DayTables =>
    new DayTables(db, 'raw', COLUMNS, ['UNIQUE (device, journal, start, seq)', '(device, id)']);
  let days = open();
  moveOldRows(db, days);
  showAll(db, days);
  let last = newestId(db);

  function openDay(day: string): void {
    if (days.has(day)) return;
    days.open(day);
    showAll(db, days);
  }
  function sha256(device: string, { journal, start, seq }: ReportId): Buffer | null {
    for (const day of days.days()) {
      const found = days
        .on<[string, string, number, number], { sha256: Buffer }>(day, BY_KEY)
        .get(device, journal, start, seq);
      if (found) return found.sha256;
    }
    return null;
  }

  return {
    insert(device, row) {
      const { id, atMs, receivedAtMs, sha256: hash, body } = row;
      const known = sha256(device, id);
      if (known !== null) return known;
      const day = dayName(receivedAtMs);
      openDay(day);
      last += 1;
      days
        .on(day, 'INSERT INTO TABLE VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(last, device, id.journal, id.start, id.seq, atMs, receivedAtMs, hash, body);
      return null;
    },
    sha256,
    list(device, before, limit) {
      const found: ReportRow[] = [];
      for (const day of days.days()) {
        if (found.length >= limit) break;
        const rows = days.on<[string, number, number], ReportRow>(
          day,
          `SELECT id, journal, start, 'tele' AS stream, seq, at_ms, received_at_ms, body FROM TABLE
           WHERE device = ? AND id < ? ORDER BY id DESC LIMIT ?`,
        );
        found.push(...rows.all(device, before, limit - found.length));
      }
      return found;
    },
    dropSome(beforeMs) {
      const hadBefore = days.days().length;
      const isMore = days.dropSome(dayName(beforeMs));
      if (days.days().length !== hadBefore) showAll(db, days);
      return isMore;
    },
    forget() {
      days = open();
      last = newestId(db);
    },
  };
}

const newestId = (db: Database): number =>
  db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM heartbeats').get()?.id ?? 0;

function showAll(db: Database, days: DayTables): void {
  const nothing = `SELECT 0 AS id, '' AS device, '' AS journal, 0 AS start, 0 AS seq, 0 AS at_ms, 0 AS received_at_ms,
    x'' AS sha256, '' AS body WHERE 0`;
  const parts = [nothing, ...days.days().map((day) => `SELECT * FROM raw_${day}`)];
  db.exec(`DROP VIEW IF EXISTS heartbeats; CREATE VIEW heartbeats AS ${parts.join(' UNION ALL ')}`);
}

/** The one table of earlier versions, into the days of its rows. */
function moveOldRows(db: Database, days: DayTables): void {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'telemetry'").get()) return;
  db.transaction(() => {
    const received = db.prepare<[], { day: string }>(
      `SELECT DISTINCT strftime('%Y%m%d', received_at_ms / 1000, 'unixepoch') AS day FROM telemetry`,
    );
    for (const { day } of received.all()) {
      days.open(day);
      days
        .on<[string], unknown>(
          day,
          `INSERT INTO TABLE SELECT id, device, journal, start, seq, at_ms, received_at_ms, sha256, body FROM telemetry
           WHERE strftime('%Y%m%d', received_at_ms / 1000, 'unixepoch') = ?`,
        )
        .run(day);
    }
    db.exec('DROP TABLE telemetry');
  }).immediate();
}
