import { randomUUID } from 'node:crypto';
import type { Database } from 'better-sqlite3';

/** The journal's few single values, in control.db. */
export class JournalMeta {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(key: string): string | undefined {
    return this.#db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)
      ?.value;
  }

  set(key: string, value: string): void {
    this.#db
      .prepare(
        'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      )
      .run(key, value);
  }

  /** This journal's name; made up when it is new. */
  journal(): string {
    const known = this.get('journal') ?? randomUUID();
    this.set('journal', known);
    return known;
  }
}
