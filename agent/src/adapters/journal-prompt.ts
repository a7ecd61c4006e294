import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import type { ReportLedger } from './journal-ledger.ts';

interface PromptRow {
  readonly id: number;
  readonly row_key: string;
  readonly seq: number;
  readonly bytes: number;
}

interface Ended extends PromptRow {
  readonly outcome: 'stored' | 'quarantined';
  readonly atMs: number;
}

/**
 * Telemetry that is sent as soon as it is written: row, number and ledger are one commit of control.db, and tele.db hears
 * nothing of it. Two files with a commit each cost a card nearly twice as much, most of it in the file system's own
 * journal. That the server took a row is written with the next one; a start after a cut sends it once more, under its number.
 */
export class PromptTelemetry {
  readonly #control: Database;
  readonly #ledger: ReportLedger;
  readonly #start: number;
  readonly #ended = new Map<number, Ended>();

  constructor(control: Database, ledger: ReportLedger, start: number) {
    this.#control = control;
    this.#ledger = ledger;
    this.#start = start;
  }

  /** Rows that the server took and that are still there. */
  get endedRows(): number {
    return this.#ended.size;
  }

  isEnded(id: number): boolean {
    return this.#ended.has(id);
  }

  /** Inside the caller's transaction on control.db, as `writeEnded`. */
  append(text: string, seq: number, atMs: number): void {
    const rowKey = randomUUID();
    this.#control
      .prepare(
        `INSERT INTO outbox (row_key, stream, start, seq, at, body, bytes) VALUES (?, 'tele', ?, ?, ?, ?, ?)`,
      )
      .run(rowKey, this.#start, seq, atMs, text, Buffer.byteLength(text));
    this.#ledger.written(rowKey, 'tele', text, atMs);
    this.#ledger.numbered(rowKey, this.#start, seq, text);
  }

  /** Takes note of what the server took of start `start`; answers the bytes and rows that do not wait any more. */
  take(start: number, isTaken: (seq: number) => Ended['outcome'] | null, atMs: number): readonly PromptRow[] {
    const rows = this.#control
      .prepare<[number], PromptRow>(
        `SELECT id, row_key, seq, bytes FROM outbox WHERE stream = 'tele' AND start = ?`,
      )
      .all(start)
      .filter((row) => !this.#ended.has(row.id));
    return rows.filter((row) => {
      const outcome = isTaken(row.seq);
      if (outcome) this.#ended.set(row.id, { ...row, outcome, atMs });
      return outcome !== null;
    });
  }

  /** Inside a transaction on control.db; `forgetEnded` after its commit. */
  writeEnded(): void {
    const remove = this.#control.prepare('DELETE FROM outbox WHERE id = ?');
    for (const { id, row_key, outcome, atMs } of this.#ended.values()) {
      this.#ledger.settled(row_key, outcome, atMs);
      remove.run(id);
    }
  }

  forgetEnded(): void {
    this.#ended.clear();
  }
}
