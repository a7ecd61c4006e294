import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** What a device holds that decides what it runs: part → sha256 of its bytes, as they are on the disk. */
export type Snapshot = Readonly<Record<string, string>>;

/**
 * Hashes every row and file that matters: the active and the previous release, floors, the time that was signed,
 * the accepted assignment, each
 * trusted document by role, the pinned root, each file of the slots, each blob. The agent must not be running.
 */
export function snapshotOf(stateDir: string): Snapshot {
  const db = new Sqlite(join(stateDir, 'control.db'), { readonly: true });
  const rows = (sql: string): Record<string, unknown>[] => db.prepare<[], Record<string, unknown>>(sql).all();
  const parts: Record<string, string> = {};
  for (const { model, state } of rows('SELECT model, state FROM machines')) {
    const { committed, previous } = JSON.parse(String(state)) as Record<string, unknown>;
    parts[`active release of ${model}`] = hash(JSON.stringify({ committed, previous }));
  }
  for (const row of rows('SELECT * FROM floors'))
    parts[`floor of ${row['model']}`] = hash(JSON.stringify(row));
  for (const row of rows("SELECT * FROM meta WHERE key = 'trusted-time'")) {
    parts['trusted time'] = hash(JSON.stringify(row));
  }
  for (const row of rows('SELECT * FROM accepted_assignment'))
    parts['assignment'] = hash(JSON.stringify(row));
  for (const row of rows('SELECT * FROM trust_documents')) {
    const name = row['role'] === 'root' ? `root ${row['version']}` : String(row['role']);
    parts[name] = hash(JSON.stringify(row));
  }
  db.close();
  for (const folder of ['trust', 'slots', 'blobs/sha256']) {
    for (const path of filesBelow(join(stateDir, folder))) {
      parts[path.slice(stateDir.length + 1)] = hash(readFileSync(path));
    }
  }
  return parts;
}

/**
 * The parts that differ, sorted. A blob that is new or gone counts only if it is not what its name says: a download that
 * was genuine may stay, or be swept.
 */
export function changesBetween(before: Snapshot, after: Snapshot): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => before[name] !== after[name] && !isGenuineBlob(name, before, after))
    .sort();
}

function isGenuineBlob(name: string, before: Snapshot, after: Snapshot): boolean {
  const digest = /^blobs\/sha256\/..\/([0-9a-f]{64})$/.exec(name)?.[1];
  if (digest === undefined || (name in before && name in after)) return false;
  return (after[name] ?? before[name]) === digest;
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    // Nothing was stored there yet.
    return [];
  }
}

const hash = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
