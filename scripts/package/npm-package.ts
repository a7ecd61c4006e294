import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runTool } from './tools.ts';

/** Fetched packages of other architectures; ignored by git. */
const CACHE = join(ROOT, '.cache', 'npm-packages');

interface LockEntry {
  readonly version: string;
  readonly integrity: string;
}

/**
 * The folder of an npm package that the lockfile names. This machine's own is in node_modules; npm fetches that of another
 * architecture, and what it fetched must have the lockfile's digest.
 */
export function npmPackage(name: string): string {
  const installed = join(ROOT, 'node_modules', name);
  const { version, integrity } = lockEntry(name);
  if (existsSync(join(installed, 'package.json'))) return installed;
  const folder = join(CACHE, `${name.replace('/', '+')}-${version}`);
  const unpacked = join(folder, 'package');
  if (existsSync(join(unpacked, 'package.json'))) return unpacked;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const printed = npm(['pack', `${name}@${version}`, '--json', '--silent', '--pack-destination', folder]);
  const [packed] = JSON.parse(printed) as { filename: string }[];
  const file = join(folder, (packed?.filename ?? '').replace(/^@/, '').replace('/', '-'));
  const digest = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (digest !== integrity) throw new Error(`${name}@${version} is not the one of package-lock.json`);
  runTool('tar', ['-xzf', file, '-C', folder]);
  rmSync(file);
  return unpacked;
}

function lockEntry(name: string): LockEntry {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry) throw new Error(`package-lock.json does not name ${name}`);
  return entry;
}

/** npm runs on the Node that it came with, which is not always the one that runs this. */
export function npm(args: readonly string[], cwd = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}
