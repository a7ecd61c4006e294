import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import BetterSqlite3 from 'better-sqlite3';

/**
 * Takes the data folder for this process until `release` or the end of the process, however it ends: an exclusive
 * transaction on a file of its own holds a kernel lock, so no stale lock can be left behind. STATE_DIR_IN_USE.
 */
export function lockFolder(dataDir: string): () => void {
  const db = new BetterSqlite3(join(dataDir, 'lock.db'), { timeout: 0 });
  try {
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
    return () => db.close();
  } catch (cause) {
    db.close();
    if (isBusy(cause)) throw new CodedError('STATE_DIR_IN_USE', undefined, { cause, at: dataDir });
    throw cause;
  }
}

const isBusy = (err: unknown): boolean =>
  err instanceof BetterSqlite3.SqliteError && (err.code === 'SQLITE_BUSY' || err.code === 'SQLITE_LOCKED');
