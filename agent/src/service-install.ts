import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';

const LIB = '/usr/lib/ringfleet-agent';
const UNITS = '/usr/lib/systemd/system';
const DROP_INS = '/etc/systemd/system';
const CONFIG = '/etc/ringfleet/agent.yaml';
const STATE = '/var/lib/ringfleet-agent';
const OLDEST_GLIBC = [2, 34] as const;
const UNIT_NAME = /^ringfleet-(agent|runner)/;

/** `ringfleet-agent install` of an unpacked tarball: the files of the .deb, without dpkg; over an older one, too. Returns what it did. */
export async function installService(program: string): Promise<string> {
  expectSystem();
  const top = topOf(program);
  if (top === '/' || isOfDpkg()) throw new CodedError('INSTALL_CONFLICT', `${LIB} is installed already`);
  await replacePrograms(join(top, LIB));
  // Those of an older version may have had other names.
  removeFiles();
  const isElsewhere = (path: string): boolean => path !== join(top, LIB);
  await cp(join(top, 'usr'), '/usr', { recursive: true, verbatimSymlinks: true, filter: isElsewhere });
  // A configuration that is there is a person's.
  if (!existsSync(CONFIG)) await cp(join(top, CONFIG), CONFIG, { recursive: true });
  must('systemd-sysusers', ['ringfleet-agent.conf']);
  must('systemctl', ['daemon-reload']);
  must('systemctl', ['enable', '--quiet', 'ringfleet-agent.service']);
  must('systemctl', ['restart', 'ringfleet-runner.target', 'ringfleet-agent.service']);
  return 'The agent is installed and runs. Next: ringfleet-agent doctor, then ringfleet-agent enroll --token-file FILE';
}

/** Undoes `installService`; state and configuration stay unless `isPurge`, which also takes what an earlier one has left. */
export function uninstallService(isPurge: boolean): string {
  expectRoot();
  if (isOfDpkg()) throw new CodedError('INSTALL_CONFLICT', 'it was installed as a Debian package');
  if (!existsSync(LIB) && !(isPurge && existsSync(STATE))) {
    throw new CodedError('INSTALL_CONFLICT', 'it is not installed');
  }
  spawnSync('systemctl', [
    'stop',
    'ringfleet-agent.service',
    'ringfleet-runner.target',
    'ringfleet-runner-*',
  ]);
  spawnSync('systemctl', ['disable', '--quiet', 'ringfleet-agent.service']);
  removeFiles();
  for (const path of [LIB, ...UNFINISHED]) rmSync(path, { recursive: true, force: true });
  if (isPurge) purge();
  spawnSync('systemctl', ['daemon-reload']);
  return isPurge ? 'Nothing of the agent is left.' : `The agent is gone; its state is kept in ${STATE}.`;
}

const UNFINISHED = [`${LIB}.new`, `${LIB}.old`];

/** What runs goes on with its own files until it is restarted; a program that runs cannot be written over. */
async function replacePrograms(from: string): Promise<void> {
  const [made, old] = UNFINISHED as [string, string];
  for (const path of UNFINISHED) await rm(path, { recursive: true, force: true });
  await cp(from, made, { recursive: true, verbatimSymlinks: true });
  if (existsSync(LIB)) await rename(LIB, old);
  await rename(made, LIB);
  await rm(old, { recursive: true, force: true });
}

/** All but the programs. */
function removeFiles(): void {
  const others = ['/usr/bin/ringfleet-agent', '/usr/share/ringfleet-agent', '/usr/share/doc/ringfleet-agent'];
  const paths = [...others, '/usr/lib/sysusers.d/ringfleet-agent.conf', ...ourUnitsIn(UNITS)];
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}

function purge(): void {
  const folders = [STATE, '/run/ringfleet-agent', '/run/ringfleet-runner', ...ourUnitsIn(DROP_INS)];
  for (const path of [...folders, CONFIG, '/etc/ringfleet/enrollment-token']) {
    rmSync(path, { recursive: true, force: true });
  }
  try {
    rmdirSync(dirname(CONFIG));
  } catch {
    // The server's configuration lies there, too.
  }
  spawnSync('userdel', ['ringfleet-agent']);
  // Applications that are members keep their group.
  const { stdout } = spawnSync('getent', ['group', 'ringfleet'], { encoding: 'utf8' });
  if (/:$/.test(stdout.trim())) spawnSync('groupdel', ['ringfleet']);
}

const ourUnitsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => UNIT_NAME.test(name))
        .map((name) => join(folder, name))
    : [];

/** Throws SYSTEM_UNSUPPORTED with one sentence. */
function expectSystem(): void {
  expectRoot();
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new CodedError('SYSTEM_UNSUPPORTED', `this is ${process.platform} on ${process.arch}`);
  }
  if (!existsSync('/run/systemd/system'))
    throw new CodedError('SYSTEM_UNSUPPORTED', 'systemd does not run here');
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? '').split('.').map(Number);
  if (major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor < OLDEST_GLIBC[1])) {
    throw new CodedError(
      'SYSTEM_UNSUPPORTED',
      `its C library is ${header.glibcVersionRuntime ?? 'not glibc'}`,
    );
  }
}

function expectRoot(): void {
  if (process.getuid?.() !== 0) throw new CodedError('USAGE_INVALID', 'this needs root: run it with sudo');
}

/** The folder that the tarball was unpacked into: the program lies in usr/lib/ringfleet-agent/agent. */
const topOf = (program: string): string => dirname(dirname(dirname(dirname(dirname(program)))));
const isOfDpkg = (): boolean => spawnSync('dpkg', ['--status', 'ringfleet-agent']).status === 0;

function must(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
}
