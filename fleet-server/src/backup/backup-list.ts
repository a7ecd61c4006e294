import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';

/** Names one file below the backup's folder; never out of it. */
const Path = Type.String({
  pattern: '^(?!.*(^|/)\\.\\.?(/|$))[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,5}$',
  maxLength: 200,
});

/** backup.json: what belongs to a backup, and of when it is. Written last, so that half a backup is none. */
export const BackupList = Type.Object({
  v: Type.Literal(1),
  /** Of the program that made it. */
  version: Type.String({ maxLength: 64 }),
  fleet: Type.String({ maxLength: 64 }),
  /** What the databases hold is at least of this time. */
  takenAtMs: Type.Integer({ minimum: 0 }),
  files: Type.Array(
    Type.Object({
      path: Path,
      sizeBytes: Type.Integer({ minimum: 0 }),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
    { maxItems: 1_000_000 },
  ),
});
export type BackupList = Static<typeof BackupList>;
export type BackupFile = BackupList['files'][number];

export const LIST_FILE = 'backup.json';
export const DATABASES = ['control.db', 'telemetry.db'] as const;

const check = checkerOf(BackupList, 'backup list', 'BACKUP_INVALID');

/** Throws BACKUP_INVALID when the folder holds no backup, or half of one. */
export async function readBackupList(folder: string): Promise<BackupList> {
  const path = join(folder, LIST_FILE);
  let list: BackupList;
  try {
    list = check(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const detail = cause instanceof Error ? cause.message : undefined;
    throw new CodedError('BACKUP_INVALID', detail, { cause, at: path });
  }
  const paths = new Set(list.files.map(({ path: one }) => one));
  const missing = DATABASES.find((name) => !paths.has(name));
  if (missing) throw new CodedError('BACKUP_INVALID', `it does not list ${missing}`, { at: path });
  return list;
}
