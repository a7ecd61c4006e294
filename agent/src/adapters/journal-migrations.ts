import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';

/**
 * Brings a database to the newest schema, one numbered file a transaction; `which` is the folder under migrations/. Every file
 * is recorded, because one with a lower number may come later. Databases that knew only the highest number have had all up
 * to that.
 */
export function migrate(db: Database, which: 'control' | 'tele'): void {
  const folder = new URL(`./migrations/${which}/`, import.meta.url);
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .toSorted();
  const applied = appliedOf(db, files);
  const record = db.prepare('INSERT INTO migrations (number, name) VALUES (?, ?)');
  for (const name of files) {
    const number = numberOf(name);
    if (applied.has(number)) continue;
    const sql = readFileSync(new URL(name, folder), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      record.run(number, name);
      // What an older program looks at.
      db.pragma(`user_version = ${Math.max(number, highestOf(db))}`);
    }).immediate();
  }
}

function appliedOf(db: Database, files: readonly string[]): ReadonlySet<number> {
  db.transaction(() => {
    const isNew = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get() === undefined;
    if (!isNew) return;
    db.exec('CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL)');
    const record = db.prepare('INSERT INTO migrations (number, name) VALUES (?, ?)');
    const highest = highestOf(db);
    for (const name of files) if (numberOf(name) <= highest) record.run(numberOf(name), name);
  }).immediate();
  const rows = db.prepare<[], { number: number }>('SELECT number FROM migrations').all();
  return new Set(rows.map((row) => row.number));
}

const numberOf = (name: string): number => Number(name.slice(0, 4));
const highestOf = (db: Database): number => Number(db.pragma('user_version', { simple: true }));
