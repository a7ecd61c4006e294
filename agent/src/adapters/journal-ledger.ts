import { createHash } from 'node:crypto';
import type { Stream } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';

const KEPT_ROWS = 100_000;
const TRIM_EVERY = 1_000;

export type LedgerOutcome = 'stored' | 'quarantined' | 'merged' | 'dropped' | 'gone';

/** The agent's own record of every report it wrote: what "nothing lost, nothing doubled" is checked against. */
export class ReportLedger {
  readonly #db: Database;
  readonly #journal: string;
  #written = 0;

  constructor(db: Database, journal: string) {
    this.#db = db;
    this.#journal = journal;
  }

  written(rowKey: string, stream: Stream, body: string, atMs: number): void {
    this.#db
      .prepare(
        'INSERT OR IGNORE INTO report_ledger (row_key, journal, stream, sha256, written_at) VALUES (?, ?, ?, ?, ?)',
      )
      .run(rowKey, this.#journal, stream, sha256(body), atMs);
    this.#written += 1;
    if (this.#written % TRIM_EVERY === 0) this.#trim();
  }

  /** Gives the report its number. The body may have grown by merging since it was written. */
  numbered(rowKey: string, start: number, seq: number, body: string): void {
    this.#db
      .prepare('UPDATE report_ledger SET start = ?, seq = ?, sha256 = ? WHERE row_key = ?')
      .run(start, seq, sha256(body), rowKey);
  }

  /** The number that a report has already; null before it got one. */
  numberOf(rowKey: string, start: number): number | null {
    const found = this.#db
      .prepare<[string, number], { seq: number | null }>(
        'SELECT seq FROM report_ledger WHERE row_key = ? AND start = ?',
      )
      .get(rowKey, start);
    return found?.seq ?? null;
  }

  settled(rowKey: string, outcome: LedgerOutcome, atMs: number): void {
    this.#db
      .prepare('UPDATE report_ledger SET outcome = ?, settled_at = ? WHERE row_key = ? AND outcome IS NULL')
      .run(outcome, atMs, rowKey);
  }

  lastStored(stream: Stream): { start: number; seq: number } | null {
    const found = this.#db
      .prepare<[string], { start: number; seq: number }>(
        `SELECT start, seq FROM report_ledger WHERE stream = ? AND outcome = 'stored' AND seq IS NOT NULL
         ORDER BY start DESC, seq DESC LIMIT 1`,
      )
      .get(stream);
    return found ?? null;
  }

  /** Telemetry rows that wait according to this ledger, with the number they were sent under. */
  openTelemetry(): { rowKey: string; start: number | null; seq: number | null }[] {
    return this.#db
      .prepare<[], { rowKey: string; start: number | null; seq: number | null }>(
        "SELECT row_key AS rowKey, start, seq FROM report_ledger WHERE stream = 'tele' AND outcome IS NULL",
      )
      .all();
  }

  #trim(): void {
    this.#db
      .prepare('DELETE FROM report_ledger WHERE id <= (SELECT MAX(id) FROM report_ledger) - ?')
      .run(KEPT_ROWS);
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
