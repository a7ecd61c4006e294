import { randomUUID } from 'node:crypto';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';
import type { OutboxStats } from '../ports/journal.ts';
import type { JournalFiles } from './journal-files.ts';
import { dropWhatMayBeSent, type Forgotten } from './journal-forgotten.ts';
import { TelemetryLag } from './journal-lag.ts';
import type { ReportLedger } from './journal-ledger.ts';
import { PromptTelemetry } from './journal-prompt.ts';
import { reconcile } from './journal-reconcile.ts';
import { TelemetryRelief } from './journal-relief.ts';
import {
  countRows,
  insertRow,
  lastNumber,
  oldestNumber,
  oldestRows,
  type Row,
  setNumber,
  sumBytes,
} from './journal-rows.ts';

/** The rows of both databases that wait for the server. All methods are synchronous transactions. */
export class JournalOutbox {
  readonly #files: JournalFiles;
  readonly #ledger: ReportLedger;
  readonly #id: { readonly journal: string; readonly start: number };
  readonly #maxBytes: number;
  readonly #lag = new TelemetryLag();
  readonly #relief: TelemetryRelief;
  readonly #prompt: PromptTelemetry;
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
    this.#prompt = new PromptTelemetry(files.control, ledger, id.start);
    dropWhatMayBeSent(files.tele, forgotten);
    reconcile(files, ledger);
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

  /** `isPrompt`: it can be sent at once. Behind others that wait it has to wait as they do. */
  appendTelemetry(body: Telemetry, atMs: number, isPrompt: boolean): void {
    const text = JSON.stringify(body);
    if (isPrompt && this.#bytes === 0) {
      this.#settle(() => this.#prompt.append(text, this.#nextSeq('tele'), atMs));
      this.#bytes += Buffer.byteLength(text);
      return;
    }
    // The ledger hears of it when it is sent: a heartbeat that only waits costs one write of a few pages.
    this.#writeLag(() => void insertRow(this.#files.tele, randomUUID(), 'tele', text, atMs));
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes <= this.#maxBytes) return;
    this.flush();
    this.#bytes = this.#relief.relieve(this.#bytes, this.#maxBytes, atMs);
  }

  window(maxRows: number, maxBytes: number): Envelope[] {
    const { control, tele } = this.#files;
    const important = oldestRows(control, maxRows + this.#prompt.endedRows)
      .filter((row) => !this.#prompt.isEnded(row.id))
      .slice(0, maxRows);
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
    const settle = db.transaction(() => {
      for (const row of rows) {
        this.#ledger.settled(row.row_key, quarantined.has(row.seq ?? 0) ? 'quarantined' : 'stored', atMs);
        this.#delete(db, row);
      }
    });
    this.whole(settle);
    return rows.length;
  }

  /** Runs a transaction; one that is taken back takes back what it counted here. */
  whole(transaction: () => void): void {
    const before = this.#bytes;
    try {
      transaction();
    } catch (err) {
      this.#bytes = before;
      throw err;
    }
  }

  /** Tells both files what they have not been told yet. */
  flush(): void {
    if (this.#lag.unsettled().length + this.#prompt.endedRows > 0) this.#settle(() => undefined);
    this.#writeLag(() => undefined);
  }

  stats(): OutboxStats {
    const gone = this.#lag.takenRows + this.#prompt.endedRows;
    const rows = countRows(this.#files.control) + countRows(this.#files.tele) - gone;
    return { rows, bytes: this.#bytes, dropped: this.#relief.dropped };
  }

  /** The lowest number of this start that is still kept; where none is, the next one that will be given. */
  oldest(stream: Stream): number {
    if (stream === 'tele') this.flush();
    const { control, tele } = this.#files;
    const files = stream === 'tele' ? [control, tele] : [control];
    const { start } = this.#id;
    return oldestNumber(files, stream, start) ?? lastNumber(control, stream, start) + 1;
  }

  /** The newest state report that the server has said to have stored; null before the first. */
  lastStored(): { start: number; seq: number } | null {
    return this.#ledger.lastStored('state');
  }

  /** Numbers become durable in control.db before anything is sent, those of telemetry too. */
  #number(rows: readonly Row[]): Envelope[] {
    const { control } = this.#files;
    const { start } = this.#id;
    const unnumbered = rows.filter((row) => row.seq === null);
    const fresh: { row: Row; seq: number }[] = [];
    const number = (): void => {
      for (const row of unnumbered) {
        // A disk that failed between the two files must not cost a number: the server waits for each.
        const seq = this.#ledger.numberOf(row.row_key, this.#id.start) ?? this.#nextSeq(row.stream);
        fresh.push({ row, seq });
        if (row.stream === 'tele') this.#ledger.written(row.row_key, 'tele', row.body, row.at);
        this.#ledger.numbered(row.row_key, this.#id.start, seq, row.body);
        if (row.stream !== 'tele') setNumber(control, row.id, this.#id.start, seq);
      }
    };
    if (unnumbered.length > 0) this.#settle(number);
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
    const prompt = this.#prompt.take(
      ack.start,
      (seq) => (quarantined.has(seq) ? 'quarantined' : seq <= ack.storedUpTo ? 'stored' : null),
      atMs,
    );
    for (const { bytes } of prompt) this.#bytes -= bytes;
    if (this.#lag.isLong) this.flush();
    return rows.length + prompt.length;
  }

  /** One commit of control.db for the work and for what the server took before, which costs no sync of its own. */
  #settle(work: () => void): void {
    const unsettled = this.#lag.unsettled();
    this.#files.control.transaction(() => {
      work();
      for (const { rowKey, outcome, atMs } of unsettled) this.#ledger.settled(rowKey, outcome, atMs);
      this.#prompt.writeEnded();
    })();
    this.#lag.settled(unsettled.map(({ id }) => id));
    this.#prompt.forgetEnded();
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
}
