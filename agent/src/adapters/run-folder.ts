import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where the service of the packages has its state and its sockets. */
const SERVICE_STATE_FOLDER = '/var/lib/ringfleet-agent';
export const SERVICE_RUN_FOLDER = '/run/ringfleet-agent';
/** The kernel refuses socket paths above 107 bytes; names of ours need up to 20. */
const MAX_FOLDER_BYTES = 86;

/** Where sockets live: systemd's runtime folder, else `run/` in the state folder, else a short one of the same meaning. */
export function runFolderOf(stateDir: string, env: Readonly<Record<string, string | undefined>>): string {
  const runtime = env['RUNTIME_DIRECTORY'];
  if (runtime) return runtime.split(':')[0] ?? runtime;
  if (resolve(stateDir) === SERVICE_STATE_FOLDER && existsSync(SERVICE_RUN_FOLDER)) return SERVICE_RUN_FOLDER;
  const own = join(resolve(stateDir), 'run');
  if (Buffer.byteLength(own) <= MAX_FOLDER_BYTES) return own;
  const name = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 16);
  return join(tmpdir(), `ringfleet-${name}`);
}
