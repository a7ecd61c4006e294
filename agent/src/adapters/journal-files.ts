import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import Sqlite, { type Database } from 'better-sqlite3';
import { migrate } from './journal-migrations.ts';

export interface JournalFiles {
  /** Power loss must not take anything from it: synchronous=FULL. */
  readonly control: Database;
  /** Telemetry; cheap writes, the last moments may be lost. */
  readonly tele: Database;
  /** Files that could not be read and were set aside, with what SQLite said about them. */
  readonly setAside: readonly { readonly name: 'control.db' | 'tele.db'; readonly why: string }[];
  /** Set where nothing could be opened for writing: all of it is in memory and gone at the end. */
  readonly volatile: string | null;
  close(): void;
}

/** Opens the two databases and holds the state folder's lock until `close`. Throws STATE_DIR_IN_USE. */
export function openJournalFiles(stateDir: string): JournalFiles {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = lockStateDir(stateDir);
  const setAside: { name: 'control.db' | 'tele.db'; why: string }[] = [];
  const openOr = (name: 'control.db' | 'tele.db', synchronous: 'FULL' | 'NORMAL'): Database => {
    const path = join(stateDir, name);
    try {
      return open(path, synchronous);
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err);
      if (!isDamage(err)) throw err;
      moveAside(path);
      setAside.push({ name, why });
      return open(path, synchronous);
    }
  };
  try {
    const control = openOr('control.db', 'FULL');
    const tele = openOr('tele.db', 'NORMAL');
    return {
      control,
      tele,
      setAside,
      volatile: null,
      close() {
        tele.close();
        control.close();
        lock.close();
      },
    };
  } catch (err) {
    lock.close();
    throw err;
  }
}

/**
 * Databases in memory, for a state folder on a disk that is full, read-only or failing: what is proven must answer
 * nevertheless. Throws STATE_DIR_IN_USE.
 */
export function openVolatileFiles(stateDir: string, why: string): JournalFiles {
  let lock: Database | null = null;
  try {
    lock = lockStateDir(stateDir);
  } catch (err) {
    if (err instanceof CodedError) throw err;
    // Where not even the lock can be had, nobody else can write either.
  }
  const [control, tele] = [new Sqlite(':memory:'), new Sqlite(':memory:')];
  migrate(control, 'control');
  migrate(tele, 'tele');
  return {
    control,
    tele,
    setAside: [],
    volatile: why,
    close() {
      tele.close();
      control.close();
      lock?.close();
    },
  };
}

/** Whether the disk does not take writes, as opposed to wrong bytes on it or a mistake of ours. */
export function isUnwritable(err: unknown): boolean {
  const code = err instanceof Error && 'code' in err ? String(err.code) : '';
  return /^(SQLITE_(FULL|READONLY|IOERR|CANTOPEN)|ENOSPC|EDQUOT|EROFS|EIO|EACCES|EPERM)/.test(code);
}

function open(path: string, synchronous: 'FULL' | 'NORMAL'): Database {
  // A log without its database belongs to one that was set aside: SQLite would replay it into the new one.
  if (!existsSync(path)) for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  const db = new Sqlite(path, { timeout: 5_000 });
  try {
    chmodSync(path, 0o600);
    // Small pages: what changes with a report is a few hundred bytes in each of a few pages. Holds for new files only.
    db.pragma('page_size = 1024');
    db.pragma('wal_autocheckpoint = 3000');
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${synchronous}`);
    db.pragma('journal_size_limit = 4194304');
    const found = db.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw new CodedError('JOURNAL_CORRUPT', String(found), { at: path });
    migrate(db, synchronous === 'FULL' ? 'control' : 'tele');
    return db;
  } catch (err) {
    db.close();
    throw err;
  }
}

/** Bytes that are wrong, as opposed to a disk that is full, read-only or failing: those are left alone. */
function isDamage(err: unknown): boolean {
  if (err instanceof CodedError) return err.code === 'JOURNAL_CORRUPT';
  const code = err instanceof Sqlite.SqliteError ? err.code : '';
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT');
}

/** One generation is kept for whoever wants to look; a second one must not fill the disk. */
function moveAside(path: string): void {
  for (const end of ['', '-wal', '-shm']) {
    rmSync(`${path}.corrupt${end}`, { force: true });
    if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${path}.corrupt${end}`);
  }
}

/** The kernel drops this lock with the process, however that ends; nothing is left behind to clean up. */
function lockStateDir(stateDir: string): Database {
  const path = join(stateDir, 'agent.lock');
  try {
    return lock(path);
  } catch (cause) {
    // The lock file has no content worth keeping.
    if (isDamage(cause)) {
      rmSync(path, { force: true });
      return lock(path);
    }
    if (!(cause instanceof Sqlite.SqliteError) || cause.code !== 'SQLITE_BUSY') throw cause;
    throw new CodedError('STATE_DIR_IN_USE', `another agent is running on ${stateDir}`, {
      cause,
      at: stateDir,
    });
  }
}

function lock(path: string): Database {
  const db = new Sqlite(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (err) {
    db.close();
    throw err;
  }
}
