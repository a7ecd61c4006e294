import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';

/** Brings a database to the newest schema, one numbered file a transaction; `which` is the folder under migrations/. */
export function migrate(db: Database, which: 'control' | 'tele'): void {
  const folder = new URL(`./migrations/${which}/`, import.meta.url);
  const current = db.pragma('user_version', { simple: true }) as number;
  for (const name of readdirSync(folder).toSorted()) {
    const number = Number.parseInt(name, 10);
    if (!name.endsWith('.sql') || !(number > current)) continue;
    const sql = readFileSync(new URL(name, folder), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${number}`);
    })();
  }
}
