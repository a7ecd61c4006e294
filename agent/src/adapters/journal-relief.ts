import type { Database } from 'better-sqlite3';
import { mergeTelemetry, type OutboxRow, reliefOf } from '../core/outbox-policy.ts';
import type { ReportLedger } from './journal-ledger.ts';

interface Row {
  readonly row_key: string;
  readonly at: number;
  readonly body: string;
  readonly bytes: number;
}

/** Enough of the oldest telemetry to find the next thing to give up. */
const LOOKS_AT = 64;

/** Makes a full outbox smaller, as `core/outbox-policy.ts` decides: what tele.db holds becomes coarser, then less. */
export class TelemetryRelief {
  readonly #tele: Database;
  readonly #ledger: ReportLedger;
  #bytes = 0;
  #dropped = 0;

  constructor(tele: Database, ledger: ReportLedger) {
    this.#tele = tele;
    this.#ledger = ledger;
  }

  /** Rows whose content was given up since this start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `bytes`: what both databases hold; answers with what they hold then. Both files know all of the others by now. */
  relieve(bytes: number, maxBytes: number, atMs: number): number {
    this.#bytes = bytes;
    const unmergeable = new Set<number>();
    while (this.#bytes > maxBytes) {
      const relief = reliefOf(this.#oldest(), this.#bytes, maxBytes, unmergeable);
      switch (relief.do) {
        case 'nothing':
          return this.#bytes;
        case 'merge':
          if (!this.#merge(relief.older, relief.newer)) unmergeable.add(relief.older);
          break;
        case 'drop':
          this.#drop(relief.id, atMs);
          break;
        case 'tombstone':
          this.#entomb(relief.id, atMs);
          break;
        default:
          relief satisfies never;
      }
    }
    return this.#bytes;
  }

  #oldest(): OutboxRow[] {
    return this.#tele
      .prepare<[number], Omit<OutboxRow, 'isTombstone'> & { isTombstone: number }>(
        `SELECT id, stream, seq, bytes, is_tombstone AS isTombstone FROM outbox
         WHERE seq IS NULL OR is_tombstone = 0 ORDER BY seq IS NOT NULL, id LIMIT ?`,
      )
      .all(LOOKS_AT)
      .map((row) => ({ ...row, isTombstone: row.isTombstone === 1 }));
  }

  #merge(olderId: number, newerId: number): boolean {
    const [older, newer] = [this.#row(olderId), this.#row(newerId)];
    const merged = mergeTelemetry(JSON.parse(older.body), JSON.parse(newer.body));
    if (merged === null) return false;
    const text = JSON.stringify(merged);
    const bytes = Buffer.byteLength(text);
    if (bytes >= older.bytes + newer.bytes) return false;
    this.#tele.transaction(() => {
      this.#delete(olderId);
      this.#tele.prepare('UPDATE outbox SET body = ?, bytes = ? WHERE id = ?').run(text, bytes, newerId);
    })();
    this.#bytes += bytes - newer.bytes - older.bytes;
    return true;
  }

  #drop(id: number, atMs: number): void {
    const row = this.#row(id);
    this.#delete(id);
    this.#bytes -= row.bytes;
    this.#ledger.written(row.row_key, 'tele', row.body, row.at);
    this.#ledger.settled(row.row_key, 'dropped', atMs);
    this.#dropped += 1;
  }

  #entomb(id: number, atMs: number): void {
    const row = this.#row(id);
    const text = JSON.stringify({ tombstone: { droppedAt: atMs, reason: 'the outbox was full' } });
    const bytes = Buffer.byteLength(text);
    this.#tele
      .prepare('UPDATE outbox SET body = ?, bytes = ?, is_tombstone = 1 WHERE id = ?')
      .run(text, bytes, id);
    this.#bytes += bytes - row.bytes;
    this.#ledger.settled(row.row_key, 'dropped', atMs);
    this.#dropped += 1;
  }

  #delete(id: number): void {
    this.#tele.prepare('DELETE FROM outbox WHERE id = ?').run(id);
  }

  #row(id: number): Row {
    const row = this.#tele.prepare<[number], Row>('SELECT * FROM outbox WHERE id = ?').get(id);
    if (!row) throw new Error(`telemetry row ${id} is gone`);
    return row;
  }
}
