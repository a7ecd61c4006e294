import { access, constants, readFile, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Check, failed, ok, skipped, warning } from '@ringfleet/shared/diagnosis';
import { diskFreeBytes } from '../adapters/device-facts.ts';
import type { ProviderReport } from '../adapters/provider-probe.ts';

/** Runner and agent of a small model. */
const LEAST_MEMORY_BYTES = 400e6;
/** A clock before the program was made is no clock: certificates would not be valid yet. */
const BUILT_MS = Date.UTC(2026, 0, 1);
const LATE_MS = Date.UTC(2046, 0, 1);
const SKEW_MS = 5 * 60_000;

/** `serverMs`: the server's time, where it could be asked. */
export function checkClock(nowMs: number, serverMs: number | null): Check {
  const now = new Date(nowMs).toISOString();
  const remedy = 'set the time (`timedatectl set-ntp true`), and fit a battery if it is lost at power-off';
  if (nowMs < BUILT_MS || nowMs > LATE_MS) return failed('clock', `it says ${now}, which cannot be`, remedy);
  if (serverMs === null) return ok('clock', `it says ${now}; no server to compare with`);
  const seconds = Math.round(Math.abs(nowMs - serverMs) / 1000);
  return Math.abs(nowMs - serverMs) > SKEW_MS
    ? warning('clock', `it says ${now}, ${seconds} s away from the server's`, remedy)
    : ok('clock', `${now}, within ${seconds} s of the server's`);
}

export async function checkDisk(stateDir: string, reserveBytes: number): Promise<Check> {
  const folder = await existing(stateDir);
  const free = await diskFreeBytes(folder);
  if (await isReadOnly(folder)) {
    const remedy = 'mount it writable (`dmesg` says why it is not), or replace the disk';
    return failed('disk', `${folder} is mounted read-only`, remedy);
  }
  const saw = `${gigabytes(free)} free at ${folder}, ${gigabytes(reserveBytes)} are kept in reserve`;
  if (free < reserveBytes) return failed('disk', saw, 'free disk space: no release can be installed');
  return free < 2 * reserveBytes
    ? warning('disk', saw, 'free disk space before it is short')
    : ok('disk', saw);
}

export async function checkMemory(): Promise<Check> {
  const available = Number(/MemAvailable:\s+(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  const saw = `${gigabytes(available)} of ${gigabytes(totalmem())} available`;
  return available < LEAST_MEMORY_BYTES
    ? warning('memory', saw, 'stop other programs, or use smaller models')
    : ok('memory', saw);
}

/** `hasGraphics`: WebGPU is in every prebuilt library, and without graphics there is nothing to mend about it. */
export function checkProviders(providers: readonly ProviderReport[], hasGraphics: boolean): Check {
  const working = providers.filter((one) => one.state === 'ok').map((one) => one.name);
  const broken = providers.filter(
    ({ name, state }) => state !== 'ok' && state !== 'notInstalled' && (name !== 'webgpu' || hasGraphics),
  );
  const saw = `${working.join(', ') || 'none'} can run models${broken.map((one) => `; ${one.name}: ${one.state}`).join('')}`;
  if (working.length === 0) return failed('providers', saw, 'run `ringfleet-agent providers`');
  return broken.length > 0
    ? warning('providers', saw, 'run `ringfleet-agent providers`')
    : ok('providers', saw);
}

/** The state folder belongs to the service and shows nobody else its key. */
export async function checkPermissions(stateDir: string): Promise<Check> {
  const folder = await stat(stateDir).catch(() => null);
  if (!folder) return skipped('permissions', `${stateDir} is not there yet; the first start makes it`);
  if ((folder.mode & 0o077) !== 0) {
    return failed('permissions', `others may look into ${stateDir}`, `chmod 700 ${stateDir}`);
  }
  const key = await stat(join(stateDir, 'identity', 'key.pem')).catch(() => null);
  if (key && (key.mode & 0o077) !== 0) {
    return failed('permissions', 'others may read the device key', `chmod 600 ${stateDir}/identity/*`);
  }
  if (key && key.uid !== folder.uid) {
    return failed(
      'permissions',
      'the device key does not belong to the owner of the state folder',
      `chown -R --reference=${stateDir} ${stateDir}`,
    );
  }
  return access(stateDir, constants.R_OK | constants.W_OK).then(
    () => ok('permissions', `${stateDir} belongs to the service alone`),
    () => warning('permissions', `this user may not look into ${stateDir}`, 'run this as root'),
  );
}

async function existing(path: string): Promise<string> {
  return (await stat(path).catch(() => null)) ? path : existing(dirname(path));
}

async function isReadOnly(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => false,
    (err: unknown) => err instanceof Error && 'code' in err && err.code === 'EROFS',
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
