import { chmod } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import BetterSqlite3 from 'better-sqlite3';

const PAGES_A_STEP = 4_096;

/**
 * Copies a database that a running server may be writing to, as it is at this moment, with SQLite's online backup. The read
 * transaction holds that moment: without it every write of the server would make the copy start again.
 * `onProgress` gets a share from 0 to 1.
 */
export async function copyDatabase(
  from: string,
  to: string,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const db = new BetterSqlite3(from, { readonly: true, fileMustExist: true });
  try {
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    await db.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        signal?.throwIfAborted();
        onProgress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
        return PAGES_A_STEP;
      },
    });
    onProgress(1);
    await chmod(to, 0o600);
  } finally {
    db.close();
  }
}

/** Looks at every page and index of a database. Throws BACKUP_INVALID naming the first fault. */
export function checkDatabase(path: string): void {
  let fault: string;
  try {
    const db = new BetterSqlite3(path, { fileMustExist: true });
    try {
      fault = String(db.pragma('integrity_check(1)', { simple: true }));
    } finally {
      db.close();
    }
  } catch (cause) {
    throw new CodedError('BACKUP_INVALID', cause instanceof Error ? cause.message : undefined, {
      cause,
      at: path,
    });
  }
  if (fault !== 'ok') throw new CodedError('BACKUP_INVALID', fault, { at: path });
}
