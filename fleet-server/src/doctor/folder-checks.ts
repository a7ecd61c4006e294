import { existsSync } from 'node:fs';
import { access, constants, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, failed, ok, skipped, warning } from '@ringfleet/shared/diagnosis';
import { CodedError } from '@ringfleet/shared/errors';
import { lockFolder } from '../adapters/store-sqlite/lock-folder.ts';

const LEAST_FREE_BYTES = 200e6;
const LITTLE_FREE_BYTES = 1e9;

/** Null: no server has run with this folder. */
export async function checkFolder(dataDir: string): Promise<Check | null> {
  if (!existsSync(join(dataDir, 'control.db'))) return null;
  const { mode } = await stat(dataDir);
  if ((mode & 0o077) !== 0)
    return failed('permissions', `others may look into ${dataDir}`, `chmod 700 ${dataDir}`);
  const keys = join(dataDir, 'keys');
  for (const name of await readdir(keys).catch(() => [])) {
    const isSecret = !/\.cert\.pem$|\.pub\.json$/.test(name);
    if (isSecret && ((await stat(join(keys, name))).mode & 0o077) !== 0)
      return failed('permissions', `others may read ${join(keys, name)}`, `chmod 600 ${join(keys, name)}`);
  }
  return access(dataDir, constants.R_OK | constants.W_OK).then(
    () => ok('permissions', `${dataDir} belongs to the server alone`),
    () =>
      warning(
        'permissions',
        `this user may not write to ${dataDir}`,
        "run this as root or as the server's user",
      ),
  );
}

export async function checkDisk(dataDir: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const saw = `${(free / 1e9).toFixed(1)} GB free at ${dataDir}`;
  if (free < LEAST_FREE_BYTES)
    return failed('disk', saw, 'free disk space: reports are refused when it is full');
  return free < LITTLE_FREE_BYTES
    ? warning('disk', saw, 'free disk space before it is short')
    : ok('disk', saw);
}

/** Whether a server holds the folder now. */
export function checkRunning(dataDir: string): { readonly check: Check; readonly isRunning: boolean } {
  try {
    lockFolder(dataDir)();
    return { check: skipped('server', 'not running'), isRunning: false };
  } catch (err) {
    if (!(err instanceof CodedError)) throw err;
    if (err.code === 'STATE_DIR_IN_USE') return { check: ok('server', 'running'), isRunning: true };
    const remedy = 'run the same `ringfleet-server restore` again';
    return { check: failed('server', 'a restore of this folder was cut off', remedy), isRunning: false };
  }
}
