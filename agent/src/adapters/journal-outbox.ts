import { randomUUID } from 'node:crypto';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';
import type { OutboxStats } from '../ports/journal.ts';
import type { JournalFiles } from './journal-files.ts';
import { dropWhatMayBeSent, type Forgotten } from './journal-forgotten.ts';
import { TelemetryLag } from './journal-lag.ts';
import type { ReportLedger } from './journal-ledger.ts';
import { TelemetryRelief } from './journal-relief.ts';

interface Row {
  readonly id: number;
  readonly row_key: string;
  readonly stream: Stream;
  readonly start: number | null;
  readonly seq: number | null;
  readonly at: number;
  readonly body: string;
  readonly bytes: number;
}

/** The rows of both databases that wait for the server. All methods are synchronous transactions. */
export class JournalOutbox {
  readonly #files: JournalFiles;
  readonly #ledger: ReportLedger;
  readonly #id: { readonly journal: string; readonly start: number };
  readonly #maxBytes: number;
  readonly #lag = new TelemetryLag();
  readonly #relief: TelemetryRelief;
  #bytes: number;

  constructor(
    files: JournalFiles,
    ledger: ReportLedger,
    id: { readonly journal: string; readonly start: number },
    maxBytes: number,
    forgotten: Forgotten = 'nothing',
  ) {
    this.#files = files;
    this.#ledger = ledger;
    this.#id = id;
    this.#maxBytes = maxBytes;
    this.#relief = new TelemetryRelief(files.tele, ledger);
    dropWhatMayBeSent(files.tele, forgotten);
    this.#reconcile();
    this.#bytes = sumBytes(files.control) + sumBytes(files.tele);
  }

  /**
   * State and event reports; runs inside the caller's transaction on control.db. They are never merged or dropped, so they
   * are born with their number: a journal that has lost what came after cannot give the same report another one.
   */
  append(stream: 'state' | 'event', body: unknown, atMs: number): void {
    const { control } = this.#files;
    const { start } = this.#id;
    const rowKey = randomUUID();
    const text = JSON.stringify(body);
    const id = insertRow(control, rowKey, stream, text, atMs);
    const seq = this.#nextSeq(stream);
    setNumber(control, id, start, seq);
    this.#ledger.written(rowKey, stream, text, atMs);
    this.#ledger.numbered(rowKey, start, seq, text);
    this.#bytes += Buffer.byteLength(text);
  }

  appendTelemetry(body: Telemetry, atMs: number): void {
    const text = JSON.stringify(body);
    // The ledger hears of it when it is sent: a heartbeat that only waits costs one write of a few pages.
    this.#writeLag(() => insertRow(this.#files.tele, randomUUID(), 'tele', text, atMs));
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes <= this.#maxBytes) return;
    this.flush();
    this.#bytes = this.#relief.relieve(this.#bytes, this.#maxBytes, atMs);
  }

  window(maxRows: number, maxBytes: number): Envelope[] {
    const { control, tele } = this.#files;
    const important = oldestRows(control, maxRows);
    const fine = oldestRows(tele, maxRows - important.length + this.#lag.takenRows)
      .filter((row) => !this.#lag.isTaken(row.id))
      .slice(0, Math.max(0, maxRows - important.length));
    const rows = [...important, ...fine.map((row) => ({ ...row, ...this.#numberOf(row.id) }))];
    const taken: Row[] = [];
    let bytes = 0;
    for (const row of rows) {
      bytes += row.bytes;
      // At least one, or a row above the limit would block all others for ever.
      if (taken.length > 0 && bytes > maxBytes) break;
      taken.push(row);
    }
    return this.#number(taken);
  }

  acknowledge(ack: Ack, atMs: number): number {
    if (ack.journal !== this.#id.journal) return 0;
    if (ack.stream === 'tele') return this.#takeTelemetry(ack, atMs);
    const db = this.#files.control;
    const quarantined = new Set(ack.quarantined.map((one) => one.seq));
    const rows = db
      .prepare<[string, number], Row>(
        'SELECT * FROM outbox WHERE stream = ? AND start = ? AND seq IS NOT NULL',
      )
      .all(ack.stream, ack.start)
      .filter((row) => row.seq !== null && (row.seq <= ack.storedUpTo || quarantined.has(row.seq)));
    if (rows.length === 0) return 0;
    db.transaction(() => {
      for (const row of rows) {
        this.#ledger.settled(row.row_key, quarantined.has(row.seq ?? 0) ? 'quarantined' : 'stored', atMs);
        this.#delete(db, row);
      }
    })();
    return rows.length;
  }

  /** Tells both files what they have not been told yet. */
  flush(): void {
    const unsettled = this.#lag.unsettled();
    if (unsettled.length > 0) {
      this.#files.control.transaction(() => {
        for (const { rowKey, outcome, atMs } of unsettled) this.#ledger.settled(rowKey, outcome, atMs);
      })();
      this.#lag.settled(unsettled.map(({ id }) => id));
    }
    this.#writeLag(() => undefined);
  }

  stats(): OutboxStats {
    const rows = countRows(this.#files.control) + countRows(this.#files.tele) - this.#lag.takenRows;
    return { rows, bytes: this.#bytes, dropped: this.#relief.dropped };
  }

  /** The lowest number of this start that is still kept; where none is, the next one that will be given. */
  oldest(stream: Stream): number {
    const db = stream === 'tele' ? this.#files.tele : this.#files.control;
    if (stream === 'tele') this.flush();
    const found = db
      .prepare<[string, number], { seq: number | null }>(
        'SELECT MIN(seq) AS seq FROM outbox WHERE stream = ? AND start = ?',
      )
      .get(stream, this.#id.start);
    return found?.seq ?? this.#lastSeq(stream) + 1;
  }

  #lastSeq(stream: Stream): number {
    const found = this.#files.control
      .prepare<[string, number], { last: number }>(
        'SELECT last FROM sequences WHERE stream = ? AND start = ?',
      )
      .get(stream, this.#id.start);
    return found?.last ?? 0;
  }

  /** Numbers become durable in control.db before anything is sent, those of telemetry too. */
  #number(rows: readonly Row[]): Envelope[] {
    const { control } = this.#files;
    const { start } = this.#id;
    const fresh: { row: Row; seq: number }[] = [];
    const settled: number[] = [];
    control.transaction(() => {
      for (const row of rows) {
        if (row.seq !== null) continue;
        // A disk that failed between the two files must not cost a number: the server waits for each.
        const seq = this.#ledger.numberOf(row.row_key, this.#id.start) ?? this.#nextSeq(row.stream);
        fresh.push({ row, seq });
        if (row.stream === 'tele') this.#ledger.written(row.row_key, 'tele', row.body, row.at);
        this.#ledger.numbered(row.row_key, this.#id.start, seq, row.body);
        if (row.stream !== 'tele') setNumber(control, row.id, this.#id.start, seq);
      }
      // What the server took before costs no sync of its own.
      if (fresh.length === 0) return;
      for (const { id, rowKey, outcome, atMs } of this.#lag.unsettled()) {
        this.#ledger.settled(rowKey, outcome, atMs);
        settled.push(id);
      }
    })();
    this.#lag.settled(settled);
    for (const { row, seq } of fresh) {
      if (row.stream === 'tele')
        this.#lag.number(row.id, { rowKey: row.row_key, bytes: row.bytes, start, seq });
    }
    if (this.#lag.isLong) this.#writeLag(() => undefined);
    const given = new Map(fresh.map(({ row, seq }) => [row.row_key, seq]));
    return rows.map((row) => ({
      v: 1,
      id: {
        journal: this.#id.journal,
        start: row.start ?? this.#id.start,
        stream: row.stream,
        seq: row.seq ?? given.get(row.row_key) ?? 0,
      },
      at: row.at,
      body: JSON.parse(row.body),
    }));
  }

  #nextSeq(stream: Stream): number {
    const { start } = this.#id;
    const found = this.#files.control
      .prepare<[string, number], { last: number }>(
        `INSERT INTO sequences (stream, start, last) VALUES (?, ?, 1)
         ON CONFLICT (stream) DO UPDATE SET last = CASE WHEN start = excluded.start THEN last + 1 ELSE 1 END,
                                            start = excluded.start
         RETURNING last`,
      )
      .get(stream, start);
    return found?.last ?? 1;
  }

  #numberOf(id: number): { start?: number; seq?: number } {
    const found = this.#lag.numberOf(id);
    return found ? { start: found.start, seq: found.seq } : {};
  }

  /** The rows stay until the ledger knows it: cut off in between, they are sent again under the same number. */
  #takeTelemetry(ack: Ack, atMs: number): number {
    const quarantined = new Set(ack.quarantined.map((one) => one.seq));
    const written = this.#files.tele
      .prepare<[number], Row>('SELECT * FROM outbox WHERE start = ? AND seq IS NOT NULL')
      .all(ack.start)
      .flatMap((row) => (row.seq === null ? [] : [{ ...row, rowKey: row.row_key, seq: row.seq }]));
    const rows = [...written, ...this.#lag.waiting(ack.start)].filter(
      ({ id, seq }) => !this.#lag.isTaken(id) && (seq <= ack.storedUpTo || quarantined.has(seq)),
    );
    for (const { id, rowKey, seq, bytes } of rows) {
      this.#lag.take(id, { rowKey, outcome: quarantined.has(seq) ? 'quarantined' : 'stored', atMs });
      this.#bytes -= bytes;
    }
    if (this.#lag.isLong) this.flush();
    return rows.length;
  }

  #writeLag(work: () => void): void {
    const { tele } = this.#files;
    tele.transaction(() => {
      this.#lag.write(tele);
      work();
    })();
    this.#lag.written();
  }

  #delete(db: Database, row: Row): void {
    db.prepare('DELETE FROM outbox WHERE id = ?').run(row.id);
    this.#bytes -= row.bytes;
  }

  /** After a power cut tele.db may have forgotten numbers, removals or whole rows that control.db remembers. */
  #reconcile(): void {
    const { control, tele } = this.#files;
    const known = new Map(this.#ledger.openTelemetry().map((one) => [one.rowKey, one]));
    const rows = tele.prepare<[], Row>('SELECT * FROM outbox').all();
    const here = new Set(rows.map((row) => row.row_key));
    const isSettled = control.prepare<[string], { outcome: string | null }>(
      'SELECT outcome FROM report_ledger WHERE row_key = ?',
    );
    tele.transaction(() => {
      for (const row of rows) {
        const entry = known.get(row.row_key);
        if (entry?.start != null && entry.seq !== null && row.seq === null) {
          setNumber(tele, row.id, entry.start, entry.seq);
        }
        const outcome = isSettled.get(row.row_key)?.outcome;
        if (outcome != null && outcome !== 'dropped')
          tele.prepare('DELETE FROM outbox WHERE id = ?').run(row.id);
      }
    })();
    control.transaction(() => {
      for (const entry of known.values()) {
        if (!here.has(entry.rowKey)) this.#ledger.settled(entry.rowKey, 'gone', 0);
      }
    })();
  }
}

function insertRow(db: Database, rowKey: string, stream: Stream, text: string, atMs: number): number {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO outbox (row_key, stream, at, body, bytes) VALUES (?, ?, ?, ?, ?)')
    .run(rowKey, stream, atMs, text, Buffer.byteLength(text));
  return Number(lastInsertRowid);
}

function setNumber(db: Database, id: number, start: number, seq: number): void {
  db.prepare('UPDATE outbox SET start = ?, seq = ? WHERE id = ?').run(start, seq, id);
}

const oldestRows = (db: Database, limit: number): Row[] =>
  db.prepare<[number], Row>('SELECT * FROM outbox ORDER BY id LIMIT ?').all(Math.max(0, limit));

const sumBytes = (db: Database): number =>
  db.prepare<[], { total: number | null }>('SELECT SUM(bytes) AS total FROM outbox').get()?.total ?? 0;

const countRows = (db: Database): number =>
  db.prepare<[], { total: number }>('SELECT COUNT(*) AS total FROM outbox').get()?.total ?? 0;
