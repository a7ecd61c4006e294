import type { Stream } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';

/** A waiting report, in either file. */
export interface Row {
  readonly id: number;
  readonly row_key: string;
  readonly stream: Stream;
  readonly start: number | null;
  readonly seq: number | null;
  readonly at: number;
  readonly body: string;
  readonly bytes: number;
}

/** Answers the row's id. */
export function insertRow(db: Database, rowKey: string, stream: Stream, text: string, atMs: number): number {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO outbox (row_key, stream, at, body, bytes) VALUES (?, ?, ?, ?, ?)')
    .run(rowKey, stream, atMs, text, Buffer.byteLength(text));
  return Number(lastInsertRowid);
}

export function setNumber(db: Database, id: number, start: number, seq: number): void {
  db.prepare('UPDATE outbox SET start = ?, seq = ? WHERE id = ?').run(start, seq, id);
}

export const oldestRows = (db: Database, limit: number): Row[] =>
  db.prepare<[number], Row>('SELECT * FROM outbox ORDER BY id LIMIT ?').all(Math.max(0, limit));

export const sumBytes = (db: Database): number =>
  db.prepare<[], { total: number | null }>('SELECT SUM(bytes) AS total FROM outbox').get()?.total ?? 0;

export const countRows = (db: Database): number =>
  db.prepare<[], { total: number }>('SELECT COUNT(*) AS total FROM outbox').get()?.total ?? 0;

/** The lowest number of a start that is still kept in any of the files; null where none is. */
export function oldestNumber(files: readonly Database[], stream: Stream, start: number): number | null {
  const numbers = files.flatMap((db) => {
    const found = db
      .prepare<[string, number], { seq: number | null }>(
        'SELECT MIN(seq) AS seq FROM outbox WHERE stream = ? AND start = ?',
      )
      .get(stream, start);
    return found?.seq == null ? [] : [found.seq];
  });
  return numbers.length > 0 ? Math.min(...numbers) : null;
}

/** The last number that was given in a start; 0 before the first. */
export function lastNumber(control: Database, stream: Stream, start: number): number {
  const found = control
    .prepare<[string, number], { last: number }>('SELECT last FROM sequences WHERE stream = ? AND start = ?')
    .get(stream, start);
  return found?.last ?? 0;
}
