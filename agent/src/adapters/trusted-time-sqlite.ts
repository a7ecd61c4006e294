import { checkerOf, EpochMs } from '@ringfleet/shared/protocol';
import { isTimeBacked, type Root, type SignedTime } from '@ringfleet/shared/trust';
import type { Database } from 'better-sqlite3';
import { type Static, Type } from 'typebox';

const KEY = 'trusted-time';
const Kept = Type.Object({
  atMs: EpochMs,
  keyids: Type.Array(Type.String({ maxLength: 256 }), { minItems: 1, maxItems: 64 }),
});
type Kept = Static<typeof Kept>;
const check = checkerOf(Kept, 'kept time', 'STATE_INVALID');

/** The newest signed time, in control.db: it rises with signed time only, and goes with the keys that signed it. */
export class TrustedTimeSqlite {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** 0 without one. */
  persistedMs(): number {
    return this.#load()?.atMs ?? 0;
  }

  /** Keeps the time when it is later than the one that is kept. */
  raise({ atMs, keyids }: SignedTime): void {
    if (atMs <= this.persistedMs()) return;
    this.#db
      .prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
      .run(KEY, JSON.stringify({ atMs, keyids }));
  }

  /** Forgets the time when this root names its keys no more: a thief of them may have pushed it ahead. */
  keepOnlyUnder(root: Root): void {
    const kept = this.#load();
    if (kept && !isTimeBacked(kept, root.director)) this.forget();
  }

  forget(): void {
    this.#db.prepare('DELETE FROM meta WHERE key = ?').run(KEY);
  }

  #load(): Kept | null {
    const row = this.#db
      .prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?')
      .get(KEY);
    return row ? check(JSON.parse(row.value)) : null;
  }
}
