import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from './write-durably.ts';

export const adminTokenFile = (dataDir: string): string => join(dataDir, 'keys', 'admin.token');

/** The token of whoever can read the data folder: keys/admin.token, 0600, made at the first start. */
export async function ensureAdminToken(dataDir: string): Promise<string> {
  const path = adminTokenFile(dataDir);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (err) {
    if (!(err instanceof Error && 'code' in err && err.code === 'ENOENT')) throw err;
  }
  const token = `rfa_${randomBytes(32).toString('base64url')}`;
  await mkdir(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
  await writeDurably(path, `${token}\n`, 0o600);
  return token;
}
