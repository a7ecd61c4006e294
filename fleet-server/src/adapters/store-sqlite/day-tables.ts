import type { Database, Statement } from 'better-sqlite3';
import { bucketOf, STEPS } from '../../core/telemetry/buckets.ts';

/** Rows dropped in one go: some ms, so that nobody waits for a whole day to go. */
const DROP_ROWS = 2_000;

/**
 * Tables `<prefix>_<yyyymmdd>` of one shape. A day that is past its time goes as a whole: no row of another day is touched.
 * Statements are prepared once a table.
 */
export class DayTables {
  readonly #db: Database;
  readonly #prefix: string;
  readonly #columns: string;
  readonly #indexes: readonly string[];
  readonly #days: Set<string>;
  readonly #statements = new Map<string, Statement>();

  /** `indexes` as `UNIQUE (a, b)` or `(a)`. */
  constructor(db: Database, prefix: string, columns: string, indexes: readonly string[]) {
    this.#db = db;
    this.#prefix = prefix;
    this.#columns = columns;
    this.#indexes = indexes;
    this.#days = new Set(daysOf(db, prefix));
  }

  /** Newest first. */
  days(): readonly string[] {
    return [...this.#days].sort().reverse();
  }

  has(day: string): boolean {
    return this.#days.has(day);
  }

  /** Makes the day's table if there is none yet. To be called inside a write transaction or outside of any. */
  open(day: string): void {
    if (this.#days.has(day)) return;
    const table = `${this.#prefix}_${day}`;
    this.#db.exec(`CREATE TABLE IF NOT EXISTS ${table} (${this.#columns})`);
    for (const [i, index] of this.#indexes.entries()) {
      const [, unique = '', columns = ''] = /^(UNIQUE )?(\(.+\))$/.exec(index) ?? [];
      this.#db.exec(`CREATE ${unique}INDEX IF NOT EXISTS ${table}_${i} ON ${table} ${columns}`);
    }
    this.#days.add(day);
  }

  /** The statement for one day; `sql` says TABLE where its name belongs. */
  on<P extends unknown[], R>(day: string, sql: string): Statement<P, R> {
    const key = `${day} ${sql}`;
    const known = this.#statements.get(key);
    if (known) return known as Statement<P, R>;
    const made = this.#db.prepare<P, R>(sql.replaceAll('TABLE', `${this.#prefix}_${day}`));
    this.#statements.set(key, made as Statement);
    return made;
  }

  /**
   * Takes a part of the oldest day before `day` away. Answers false when there was nothing left to take: call again, with
   * other work in between, until then.
   */
  dropSome(day: string): boolean {
    const oldest = this.days().findLast((candidate) => candidate < day);
    if (oldest === undefined) return false;
    const table = `${this.#prefix}_${oldest}`;
    const part = `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} LIMIT ${DROP_ROWS})`;
    if (this.#db.prepare(part).run().changes === DROP_ROWS) return true;
    for (const key of this.#statements.keys()) {
      if (key.startsWith(`${oldest} `)) this.#statements.delete(key);
    }
    this.#days.delete(oldest);
    this.#db.exec(`DROP TABLE ${table}`);
    return true;
  }
}

/** Days that have a table now, in no order. */
export function daysOf(db: Database, prefix: string): readonly string[] {
  return db
    .prepare<[string], { name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?",
    )
    .all(`${prefix}_[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]`)
    .map(({ name }) => name.slice(prefix.length + 1));
}

/** `20261124`: the UTC day, as tables are named by it. */
export const dayName = (atMs: number): string =>
  new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '');

/** All days that [fromMs, toMs) touches, oldest first. */
export function dayNames(fromMs: number, toMs: number): readonly string[] {
  const names: string[] = [];
  for (let at = bucketOf(fromMs, 'day'); at < toMs; at += STEPS.day) names.push(dayName(at));
  return names;
}
