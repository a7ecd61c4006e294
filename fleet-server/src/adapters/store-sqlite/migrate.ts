import { readdirSync, readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import type { Database } from 'better-sqlite3';

/**
 * Runs the migrations `NNNN-what.sql` of one folder that this file has not had yet, each in its own transaction;
 * `user_version` holds the number of the last one. A file from a newer program: STATE_DIR_TOO_NEW.
 */
export function migrate(db: Database, kind: 'control' | 'telemetry'): void {
  // Relative to this file both as a source and inside the bundle, where scripts/build.ts copies the folder.
  const folder = new URL(`./migrations/${kind}/`, import.meta.url);
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();
  const newest = Number(files.at(-1)?.slice(0, 4) ?? 0);
  const done = Number(db.pragma('user_version', { simple: true }));
  if (done > newest) throw new CodedError('STATE_DIR_TOO_NEW', undefined, { at: db.name });
  for (const file of files) {
    const number = Number(file.slice(0, 4));
    if (number <= done) continue;
    const sql = readFileSync(new URL(file, folder), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${number}`);
    }).immediate();
  }
}
