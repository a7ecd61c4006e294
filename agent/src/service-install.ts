import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';

const LIB = '/usr/lib/ringfleet-agent';
const UNITS = '/usr/lib/systemd/system';
const CONFIG = '/etc/ringfleet/agent.yaml';
const OLDEST_GLIBC = [2, 34] as const;

/** `ringfleet-agent install` of an unpacked tarball: the files of the .deb, without dpkg. Returns what it did. */
export async function installService(program: string): Promise<string> {
  expectSystem();
  const top = topOf(program);
  if (top === '/' || isOfDpkg()) throw new CodedError('INSTALL_CONFLICT', `${LIB} is installed already`);
  await cp(join(top, 'usr'), '/usr', { recursive: true, verbatimSymlinks: true });
  // A configuration that is there is a person's.
  if (!existsSync(CONFIG)) await cp(join(top, CONFIG), CONFIG, { recursive: true });
  must('systemd-sysusers', ['ringfleet-agent.conf']);
  must('systemctl', ['daemon-reload']);
  must('systemctl', ['enable', '--quiet', 'ringfleet-agent.service']);
  must('systemctl', ['restart', 'ringfleet-runner.target', 'ringfleet-agent.service']);
  return 'The agent is installed and runs. Next: ringfleet-agent doctor, then ringfleet-agent enroll --token-file FILE';
}

/** Undoes `installService`; state and configuration stay unless `isPurge`. */
export function uninstallService(isPurge: boolean): string {
  expectRoot();
  if (isOfDpkg()) throw new CodedError('INSTALL_CONFLICT', 'it was installed as a Debian package');
  if (!existsSync(LIB)) throw new CodedError('INSTALL_CONFLICT', 'it is not installed');
  const units = readdirSync(UNITS).filter((name) => /^ringfleet-(agent|runner)/.test(name));
  spawnSync('systemctl', [
    'stop',
    'ringfleet-agent.service',
    'ringfleet-runner.target',
    'ringfleet-runner-*',
  ]);
  spawnSync('systemctl', ['disable', '--quiet', 'ringfleet-agent.service']);
  const files = [
    LIB,
    '/usr/bin/ringfleet-agent',
    '/usr/share/ringfleet-agent',
    '/usr/share/doc/ringfleet-agent',
  ];
  const ours = [
    ...files,
    '/usr/lib/sysusers.d/ringfleet-agent.conf',
    ...units.map((name) => join(UNITS, name)),
  ];
  const state = ['/var/lib/ringfleet-agent', '/run/ringfleet-agent', '/run/ringfleet-runner', CONFIG];
  for (const path of [...ours, ...(isPurge ? state : [])]) rmSync(path, { recursive: true, force: true });
  if (isPurge) {
    spawnSync('userdel', ['ringfleet-agent']);
    spawnSync('groupdel', ['ringfleet']);
  }
  spawnSync('systemctl', ['daemon-reload']);
  return isPurge
    ? 'Nothing of the agent is left.'
    : 'The agent is gone; its state is kept in /var/lib/ringfleet-agent.';
}

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
