import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { createSystemdWatchdog } from './notify-systemd.ts';
import { openUnixDatagrams } from './unix-datagram.ts';

const dir = mkdtempSync(join(tmpdir(), 'rf-notify-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Prints each datagram as one line of hex. */
const LISTENER = `
use Socket;
my $path = shift; $path =~ s/^@/\\0/;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($path)) or die;
$| = 1; print "listening\\n";
while (defined recv($s, my $message, 65536, 0)) { print unpack('H*', $message), "\\n" }`;

const hasPerl = (() => {
  try {
    execFileSync('perl', ['-MSocket', '-e', '1']);
    return true;
  } catch {
    process.stderr.write('SKIPPED what systemd hears: perl, which Debian brings, is not here\n');
    return false;
  }
})();

it.skipIf(!hasPerl).each(['path', 'abstract'])('is heard on a socket by %s', async (kind) => {
  const socket = kind === 'path' ? join(dir, 'notify') : `@rf-notify-${process.pid}`;
  const listener = spawn('perl', ['-e', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  try {
    expect(await next()).toBe('listening');
    const watchdog = createSystemdWatchdog({ NOTIFY_SOCKET: socket }, 1, openUnixDatagrams());
    const said: string[] = [];
    watchdog.ready();
    watchdog.say('two\nlines');
    watchdog.ping();
    for (let i = 0; i < 3; i++) said.push(Buffer.from(await next(), 'hex').toString());
    expect(said).toEqual(['READY=1', 'STATUS=two lines', 'WATCHDOG=1']);
  } finally {
    listener.kill();
  }
});

it('knows its limit only when the watchdog is meant for this process', () => {
  const send = () => true;
  const env = { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '15000000', WATCHDOG_PID: '7' };
  expect(createSystemdWatchdog(env, 7, send).limitMs).toBe(15_000);
  expect(createSystemdWatchdog(env, 8, send).limitMs).toBeNull();
  expect(createSystemdWatchdog({}, 7, send).limitMs).toBeNull();
});

it('harms nobody when nobody listens', () => {
  const watchdog = createSystemdWatchdog({ NOTIFY_SOCKET: join(dir, 'none') }, 1, openUnixDatagrams());
  expect(() => watchdog.ping()).not.toThrow();
});
