import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import Sqlite, { type Database } from 'better-sqlite3';
import { migrate } from './journal-migrations.ts';

export interface JournalFiles {
  /** Power loss must not take anything from it: synchronous=FULL. */
  readonly control: Database;
  /** Telemetry; cheap writes, the last moments may be lost. */
  readonly tele: Database;
  close(): void;
}

/** Opens the two databases and holds the state folder's lock until `close`. Throws STATE_DIR_IN_USE. */
export function openJournalFiles(stateDir: string): JournalFiles {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = lockStateDir(stateDir);
  const control = open(join(stateDir, 'control.db'), 'FULL');
  const tele = open(join(stateDir, 'tele.db'), 'NORMAL');
  migrate(control, 'control');
  migrate(tele, 'tele');
  return {
    control,
    tele,
    close() {
      tele.close();
      control.close();
      lock.close();
    },
  };
}

function open(path: string, synchronous: 'FULL' | 'NORMAL'): Database {
  const db = new Sqlite(path, { timeout: 5_000 });
  chmodSync(path, 0o600);
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.pragma('journal_size_limit = 4194304');
  return db;
}

/** The kernel drops this lock with the process, however that ends; nothing is left behind to clean up. */
function lockStateDir(stateDir: string): Database {
  const lock = new Sqlite(join(stateDir, 'agent.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    throw new CodedError('STATE_DIR_IN_USE', `another agent is running on ${stateDir}`, {
      cause,
      at: stateDir,
    });
  }
}
