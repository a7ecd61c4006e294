import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { readIdentity } from './adapters/identity.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { askStatus } from './supervisor/control-server.ts';

/**
 * Erases identity, models and reports, by a person at the device: no server can order it (DESIGN §4). The key goes first.
 * Throws NOT_ENROLLED for a folder that is no agent's, STATE_DIR_IN_USE while the agent runs.
 */
export async function resetDevice(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await readIdentity(stateDir);
  const isRunning = await askStatus(join(runFolderOf(stateDir, env), 'control.sock')).then(
    () => true,
    () => false,
  );
  if (isRunning)
    throw new CodedError('STATE_DIR_IN_USE', 'the agent is running; stop it first', { at: stateDir });
  const names = await readdir(stateDir);
  const keysFirst = names.toSorted((a, b) => Number(b === 'identity') - Number(a === 'identity'));
  for (const name of keysFirst) await rm(join(stateDir, name), { recursive: true, force: true });
}
