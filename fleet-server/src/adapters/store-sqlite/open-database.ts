import { chmodSync } from 'node:fs';
import BetterSqlite3, { type Database } from 'better-sqlite3';
import { migrate } from './migrate.ts';

/**
 * Opens one SQLite file in WAL mode and brings its schema up to date. With FULL a commit is on the disk when it returns,
 * also through a power cut; NORMAL survives the death of the process only.
 */
export function openDatabase(
  path: string,
  kind: 'control' | 'telemetry',
  synchronous: 'FULL' | 'NORMAL',
): Database {
  const db = new BetterSqlite3(path);
  try {
    chmodSync(path, 0o600);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${synchronous}`);
    db.pragma('foreign_keys = ON');
    db.pragma('busy_timeout = 5000');
    migrate(db, kind);
    return db;
  } catch (err) {
    db.close();
    throw err;
  }
}
