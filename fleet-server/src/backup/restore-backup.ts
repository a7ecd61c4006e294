import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { lockFolder, UNFINISHED } from '../adapters/store-sqlite/lock-folder.ts';
import { noteRestore } from '../adapters/store-sqlite/note-restore.ts';
import { syncFolder } from '../adapters/write-durably.ts';
import { type BackupList, DATABASES, readBackupList } from './backup-list.ts';
import { checkDatabase } from './copy-database.ts';
import { copyFile } from './copy-file.ts';

export interface RestoreOptions {
  readonly from: string;
  readonly dataDir: string;
  /** Moves what the data folder holds into a folder inside of it; without it a folder in use before is refused. */
  readonly isReplacing: boolean;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly progress: (what: string, share: number) => void;
}

export interface Restored {
  readonly list: BackupList;
  /** Where what was there before is now. */
  readonly before: string | null;
}

/** What a server keeps; the control database last, because without it nothing else is used. */
const PARTS = ['keys', 'audit', 'blobs', 'telemetry.db', 'control.db'] as const;
const LEFT_BY_SQLITE = DATABASES.flatMap((name) => [`${name}-wal`, `${name}-shm`]);

/**
 * Puts a backup into the data folder of a server that does not run. Everything is copied beside the old first and verified
 * there, digest by digest and page by page; a restore that was cut off keeps the server from starting, and is repeated.
 * Throws STATE_DIR_IN_USE, STATE_DIR_NOT_EMPTY, BACKUP_INVALID, STATE_DIR_TOO_NEW.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { from, dataDir, isReplacing, nowMs, signal, progress } = options;
  const list = await readBackupList(from);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(dataDir, { isRestoring: true });
  try {
    const unfinished = join(dataDir, UNFINISHED);
    const isRepeated = existsSync(unfinished);
    const there = (await readdir(dataDir)).filter((name) => isOf(PARTS, name));
    if (there.length > 0 && !isReplacing && !isRepeated) {
      throw new CodedError('STATE_DIR_NOT_EMPTY', `it holds ${there.join(', ')}`, { at: dataDir });
    }
    const staged = join(unfinished, 'new');
    await rm(staged, { recursive: true, force: true });
    await mkdir(staged, { recursive: true, mode: 0o700 });
    try {
      await copyVerified(list, { from, to: staged, signal, progress });
      noteRestore(staged, { backupAtMs: list.takenAtMs, atMs: nowMs });
      await giveTo(staged, await stat(dataDir));
    } catch (err) {
      // Nothing of the old was touched yet, unless an earlier try was cut off later than here.
      await rm(isRepeated ? staged : unfinished, { recursive: true, force: true });
      throw err;
    }
    const before =
      there.length === 0 ? null : `before-restore-${new Date(nowMs).toISOString().replaceAll(':', '')}`;
    if (before !== null) await moveParts(dataDir, join(dataDir, before));
    await moveParts(staged, dataDir);
    await giveTo(join(dataDir, 'lock.db'), await stat(dataDir));
    await syncFolder(dataDir);
    await rm(unfinished, { recursive: true, force: true });
    return { list, before: before && join(dataDir, before) };
  } finally {
    unlock();
  }
}

async function copyVerified(
  list: BackupList,
  { from, to, signal, progress }: Pick<RestoreOptions, 'from' | 'signal' | 'progress'> & { to: string },
): Promise<void> {
  for (const [i, { path, sizeBytes, sha256 }] of list.files.entries()) {
    signal.throwIfAborted();
    const copied = await copyFile(join(from, path), join(to, path), signal).catch((cause: unknown) => {
      if (signal.aborted) throw cause;
      throw new CodedError('BACKUP_INVALID', cause instanceof Error ? cause.message : undefined, {
        cause,
        at: path,
      });
    });
    if (copied.sizeBytes !== sizeBytes || copied.sha256 !== sha256) {
      throw new CodedError('BACKUP_INVALID', `${path} is not the file that was backed up`, {
        at: join(from, path),
      });
    }
    progress('files', (i + 1) / list.files.length);
  }
  for (const name of DATABASES) checkDatabase(join(to, name));
}

async function moveParts(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of [...LEFT_BY_SQLITE, ...PARTS]) {
    if (existsSync(join(from, name))) await rename(join(from, name), join(to, name));
  }
  await syncFolder(to);
}

/** Root restores for the server's own user. */
async function giveTo(path: string, owner: { readonly uid: number; readonly gid: number }): Promise<void> {
  if (process.getuid?.() !== 0 || owner.uid === 0) return;
  const isFolder = (await stat(path)).isDirectory();
  const entries = isFolder ? await readdir(path, { recursive: true }) : [];
  for (const one of ['', ...entries]) await chown(join(path, one), owner.uid, owner.gid);
}

const isOf = (parts: readonly string[], name: string): boolean => parts.includes(name);
