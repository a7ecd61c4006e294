import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import BetterSqlite3 from 'better-sqlite3';

/** A folder inside of the data folder for as long as a backup is being put back. */
export const UNFINISHED = 'restoring';

/**
 * Takes the data folder for this process until `release` or the end of the process, however it ends: an exclusive
 * transaction on a file of its own holds a kernel lock, so no stale lock can be left behind. STATE_DIR_IN_USE, RESTORE_UNFINISHED.
 */
export function lockFolder(dataDir: string, { isRestoring = false } = {}): () => void {
  if (!isRestoring && existsSync(join(dataDir, UNFINISHED))) {
    throw new CodedError('RESTORE_UNFINISHED', undefined, { at: dataDir });
  }
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
