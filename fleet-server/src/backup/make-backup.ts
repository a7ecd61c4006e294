import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { syncFolder, writeDurably } from '../adapters/write-durably.ts';
import { type BackupFile, type BackupList, DATABASES, LIST_FILE } from './backup-list.ts';
import { copyDatabase } from './copy-database.ts';
import { copyFile, measure } from './copy-file.ts';

export interface BackupOptions {
  readonly dataDir: string;
  /** Must not exist; its parent must. */
  readonly to: string;
  readonly version: string;
  readonly fleet: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly progress: (what: string, share: number) => void;
}

/**
 * Copies everything that a server keeps into a new folder, while it runs or not: databases, keys, artifacts, checkpoints of the
 * audit log. The order makes it one whole: checkpoints are older than the log, artifacts and raw telemetry newer than what
 * names them. Throws BACKUP_EXISTS, STATE_DIR_UNUSABLE.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupList> {
  const { dataDir, to, version, fleet, nowMs: takenAtMs, signal, progress } = options;
  if (!existsSync(join(dataDir, 'control.db'))) {
    throw new CodedError('STATE_DIR_UNUSABLE', `no server has run with ${dataDir}`, { at: dataDir });
  }
  if (existsSync(to)) throw new CodedError('BACKUP_EXISTS', undefined, { at: to });
  const partial = join(dirname(to), `.${basename(to)}.${randomUUID()}.partial`);
  await mkdir(partial, { mode: 0o700 });
  try {
    const files: BackupFile[] = [];
    const copyAll = async (folder: string): Promise<void> => {
      const paths = await filesBelow(dataDir, folder);
      for (const [i, path] of paths.entries()) {
        signal.throwIfAborted();
        files.push({ path, ...(await copyFile(join(dataDir, path), join(partial, path), signal)) });
        progress(folder, (i + 1) / paths.length);
      }
    };
    await copyAll('audit');
    for (const name of DATABASES) {
      await copyDatabase(join(dataDir, name), join(partial, name), (share) => progress(name, share), signal);
      await syncFile(join(partial, name));
      files.push({ path: name, ...(await measure(join(partial, name))) });
    }
    await copyAll('keys');
    await copyAll(join('blobs', 'sha256'));
    const list: BackupList = { v: 1, version, fleet, takenAtMs, files };
    await writeDurably(join(partial, LIST_FILE), `${JSON.stringify(list)}\n`, 0o600);
    await rename(partial, to);
    await syncFolder(dirname(to));
    return list;
  } catch (err) {
    await rm(partial, { recursive: true, force: true });
    throw err;
  }
}

/** Paths of all files below a folder of `base`, relative to that; none when it is not there. */
async function filesBelow(base: string, folder: string): Promise<readonly string[]> {
  if (!existsSync(join(base, folder))) return [];
  const entries = await readdir(join(base, folder), { withFileTypes: true });
  const found = entries.map(async (entry): Promise<readonly string[]> => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(base, path);
    // What is being written durably has its name for a moment only.
    return entry.isFile() && !entry.name.endsWith('.tmp') ? [path] : [];
  });
  return (await Promise.all(found)).flat();
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}
