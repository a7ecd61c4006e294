import { readdirSync, readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import type { Database } from 'better-sqlite3';

/**
 * Runs the migrations `NNNN-what.sql` of one folder that this file has not had yet, each in its own transaction. Every one is
 * recorded, because one with a lower number may come later; files that knew only the highest number (`user_version`) have
 * had all up to that. A file from a newer program: STATE_DIR_TOO_NEW.
 */
export function migrate(db: Database, kind: 'control' | 'telemetry'): void {
  // Relative to this file both as a source and inside the bundle, where scripts/build.ts copies the folder.
  const folder = new URL(`./migrations/${kind}/`, import.meta.url);
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();
  const newest = numberOf(files.at(-1) ?? '0000');
  if (highestOf(db) > newest) throw new CodedError('STATE_DIR_TOO_NEW', undefined, { at: db.name });
  const applied = appliedOf(db, files);
  const record = db.prepare('INSERT INTO migrations (number, name) VALUES (?, ?)');
  for (const file of files) {
    const number = numberOf(file);
    if (applied.has(number)) continue;
    const sql = readFileSync(new URL(file, folder), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      record.run(number, file);
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
    for (const file of files) if (numberOf(file) <= highest) record.run(numberOf(file), file);
  }).immediate();
  const rows = db.prepare<[], { number: number }>('SELECT number FROM migrations').all();
  return new Set(rows.map((row) => row.number));
}

const numberOf = (file: string): number => Number(file.slice(0, 4));
const highestOf = (db: Database): number => Number(db.pragma('user_version', { simple: true }));
