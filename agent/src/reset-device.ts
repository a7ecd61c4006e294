import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { readIdentity } from './adapters/identity.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { askStatus } from './supervisor/control-server.ts';

/** One of these is in every folder that an agent used. */
const MARKS = ['identity', 'control.db', 'agent.lock', 'providers.json', 'enrolling.json'];

/**
 * Erases identity, models and reports, by a person at the device: no server can order it (DESIGN §4). The key goes first.
 * Throws NOT_ENROLLED for a folder that is no agent's, STATE_DIR_IN_USE while the agent runs.
 */
export async function resetDevice(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await readIdentity(stateDir);
  await refuseWhileRunning(stateDir, env);
  const names = await readdir(stateDir);
  const keysFirst = names.toSorted((a, b) => Number(b === 'identity') - Number(a === 'identity'));
  for (const name of keysFirst) await rm(join(stateDir, name), { recursive: true, force: true });
}

/**
 * Leaves nothing in the state folder that may not be on two devices: identity, journal and its counters, what was found
 * out about this hardware. For a disk image, which may never have been enrolled. Throws STATE_DIR_IN_USE.
 */
export async function clearForImaging(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await refuseWhileRunning(stateDir, env);
  const names = await readdir(stateDir).catch(() => []);
  // A mistyped --state-dir must cost nobody their files.
  if (names.length > 0 && !names.some((name) => MARKS.includes(name))) {
    throw new CodedError('NOT_ENROLLED', `${stateDir} is no agent's folder`, { at: stateDir });
  }
  for (const name of names) await rm(join(stateDir, name), { recursive: true, force: true });
}

async function refuseWhileRunning(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const isRunning = await askStatus(join(runFolderOf(stateDir, env), 'control.sock')).then(
    () => true,
    () => false,
  );
  if (isRunning)
    throw new CodedError('STATE_DIR_IN_USE', 'the agent is running; stop it first', { at: stateDir });
}
