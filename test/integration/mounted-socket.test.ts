import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../../agent/src/runner/tiny-slot.fixture.ts';
import { sayWhySkipped, whyNoLab } from '../lab/requirements.ts';

const AGENT = fileURLToPath(new URL('../../agent/dist/ringfleet-agent.mjs', import.meta.url));
/** As on a device: a group of those who may infer, an application's user, and somebody else. */
const [GROUP, APPLICATION, OTHER] = [47_110, 47_111, 47_112];
const LIMIT_MS = 40_000;

/** In the container: says what it can, and asks the model, at its start and for every line. */
const CLIENT = `
const { request } = require('node:http');
const codeOf = (what) => { try { what(); return 'ok'; } catch (err) { return err.code; } };
const reach = (options, path, body) => new Promise((resolve) => {
  const req = request({ ...options, method: 'POST', path }, (res) => { res.resume().on('end', () => resolve(res.statusCode)); });
  req.on('error', (err) => resolve(err.code));
  req.end(body);
});
const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: [0, 9, 0, 0] }];
const ask = async () => console.log(JSON.stringify({
  answer: await reach({ socketPath: '/run/ringfleet-agent/v2.sock' }, '/v2/models/tiny/infer', JSON.stringify({ inputs })),
  network: await reach({ host: '127.0.0.1', port: Number(process.argv[1]) }, '/v2', ''),
  root: codeOf(() => require('node:fs').writeFileSync('/x', '')),
  uid: process.getuid(),
}));
ask();
require('node:readline').createInterface({ input: process.stdin }).on('line', ask);
`;

/** What docker does, with the kernel's own means: a read-only root of the host's libraries, nothing shared but one folder. */
const CONTAINER = `set -e
root=$1 run=$2 node=$3 uid=$4 groups=$5 client=$6 port=$7
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$root"
mkdir -p "$root/usr" "$root/proc" "$root/run/ringfleet-agent" "$root/app"
for one in bin sbin lib lib64; do [ ! -e /$one ] || ln -s usr/$one "$root/$one"; done
mount --rbind /usr "$root/usr"
touch "$root/app/node"
mount --bind "$node" "$root/app/node"
mount --bind "$run" "$root/run/ringfleet-agent"
mount -t proc proc "$root/proc"
mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/setpriv --reuid "$uid" --regid "$uid" $groups --no-new-privs --bounding-set=-all \\
  /app/node -e "$client" "$port"
`;

interface Said {
  readonly answer: number | string;
  readonly network: number | string;
  readonly root: string;
  readonly uid: number;
}

const why = whyNoLab({ setpriv: 'util-linux', chroot: 'coreutils' }) ?? whyOddRoot();
let dir: string;
let run: string;
let agent: { readonly child: ChildProcess; readonly port: number };
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (why) return;
  dir = mkdtempSync(join(tmpdir(), 'mounted-'));
  run = join(dir, 'run');
  // As systemd makes the agent's run folder.
  mkdirSync(run, { mode: 0o750 });
  chownSync(run, 0, GROUP);
  chmodSync(dir, 0o711);
  agent = await startAgent();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  agent?.child.kill('SIGTERM');
  if (dir) rmSync(dir, { recursive: true, force: true });
});

/** The service's group and mask; its folder stays when it ends. */
async function startAgent() {
  const argv = ['serve', '--http', '0', '--socket', join(run, 'v2.sock'), '--json', fixturePath('tiny.onnx')];
  const command = ['--regid', String(GROUP), '--clear-groups', 'sh', '-c', 'umask 0077; exec "$@"', 'sh'];
  const child = spawn('setpriv', [...command, process.execPath, AGENT, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { url } = JSON.parse(await nextLine(linesOf(child))) as { url: string };
  return { child, port: Number(new URL(url).port) };
}

function startContainer(uid: number, groups: readonly string[]) {
  const root = mkdtempSync(join(dir, 'root-'));
  const namespaces = ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--kill-child'];
  const args = [root, run, process.execPath, String(uid), groups.join(' '), CLIENT, String(agent.port)];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', CONTAINER, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = linesOf(child);
  const said = async (): Promise<Said> => JSON.parse(await nextLine(lines)) as Said;
  return {
    said,
    askAgain: (): Promise<Said> => {
      child.stdin.write('\n');
      return said();
    },
  };
}

type Lines = AsyncIterator<string>;

const linesOf = (child: ChildProcess): Lines => {
  if (!child.stdout) throw new Error('the output is not read');
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
};

async function nextLine(lines: Lines): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no line within ${LIMIT_MS} ms`)), LIMIT_MS);
  const next = await Promise.race([lines.next(), promise]).finally(() => clearTimeout(timer));
  if (next.done) throw new Error('it ended without a line');
  return next.value;
}

function whyOddRoot(): string | null {
  return existsSync('/bin') && !lstatSync('/bin').isSymbolicLink() ? 'the root has no merged /usr' : null;
}

describe.skipIf(sayWhySkipped('the mounted socket', why))('the socket mounted into a container', () => {
  it('answers another user of the group, without network and on a read-only root', async () => {
    const said = await startContainer(APPLICATION, ['--groups', String(GROUP)]).said();
    expect(said).toMatchObject({ answer: 200, root: 'EROFS', uid: APPLICATION });
    expect(said.network).not.toBe(200);
  });

  it('is closed to who is not in the group', async () => {
    expect(await startContainer(OTHER, ['--clear-groups']).said()).toMatchObject({
      answer: 'EACCES',
      uid: OTHER,
    });
  });

  it('is the new one after the agent was killed and started again', async () => {
    const container = startContainer(APPLICATION, ['--groups', String(GROUP)]);
    expect(await container.said()).toMatchObject({ answer: 200 });
    const gone = new Promise((resolve) => agent.child.once('exit', resolve));
    agent.child.kill('SIGKILL');
    await gone;
    expect(await container.askAgain()).toMatchObject({ answer: 'ECONNREFUSED' });
    agent = await startAgent();
    expect(await container.askAgain()).toMatchObject({ answer: 200 });
  });
});
