import process from 'node:process';
import {
  type Check,
  type Diagnosis,
  diagnose,
  diagnosisText,
  exitCodeOfDiagnosis,
  failed,
  ok,
  skipped,
} from '@ringfleet/shared/diagnosis';
import { lookInto, type Seen } from '../adapters/store-sqlite/look-into.ts';
import { loadConfig, type ServerConfig } from '../config.ts';
import { count } from '../core/wording.ts';
import { checkDisk, checkFolder, checkRunning } from './folder-checks.ts';
import { checkArtifacts, checkListeners } from './store-checks.ts';
import { checkKeys, checkTrust } from './trust-checks.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly isDeep: boolean;
  readonly isJson: boolean;
}

/** `ringfleet-server doctor`: looks at all that a server needs, running or not, and changes nothing. Answers the exit code. */
export async function doctor(
  options: DoctorOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const diagnosis = await examineServer(options, env);
  process.stdout.write(options.isJson ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis));
  return exitCodeOfDiagnosis(diagnosis);
}

export async function examineServer(
  options: Omit<DoctorOptions, 'isJson'>,
  env: Readonly<Record<string, string | undefined>>,
  nowMs = Date.now(),
): Promise<Diagnosis> {
  let config: ServerConfig;
  try {
    config = loadConfig(options, env);
  } catch (err) {
    const saw = err instanceof Error ? err.message : String(err);
    return diagnose([failed('config', saw, 'correct it; `ringfleet-server --check` looks again')]);
  }
  const { dataDir } = config;
  const configured = ok('config', 'valid');
  const folder = await checkFolder(dataDir);
  if (folder === null) {
    return diagnose([
      configured,
      skipped('data', `no server has run with ${dataDir} yet; its first start makes it`),
    ]);
  }
  const { check: running, isRunning } = checkRunning(dataDir);
  const { check: databases, seen } = checkDatabases(dataDir);
  return diagnose([
    configured,
    folder,
    await checkDisk(dataDir),
    running,
    await checkListeners(config, isRunning),
    databases,
    await checkKeys(dataDir, nowMs),
    ...(seen === null
      ? []
      : [
          await checkTrust(dataDir, seen.documents, nowMs),
          await checkArtifacts(dataDir, seen, options.isDeep),
        ]),
  ]);
}

function checkDatabases(dataDir: string): { readonly check: Check; readonly seen: Seen | null } {
  const remedy = 'stop the server, keep the folder, and `ringfleet-server restore` the newest backup';
  try {
    const seen = lookInto(dataDir);
    if (seen.fault !== null) return { check: failed('databases', seen.fault, remedy), seen: null };
    return { check: ok('databases', `unharmed; ${count(seen.devices, 'device')}`), seen };
  } catch (err) {
    const saw = err instanceof Error ? err.message : String(err);
    return { check: failed('databases', saw, remedy), seen: null };
  }
}
