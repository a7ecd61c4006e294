import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Updater } from 'tuf-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enroll } from '../../agent/src/adapters/enroll.ts';
import { type Identity, readIdentity } from '../../agent/src/adapters/identity.ts';
import { PinnedAgent, pinOf } from '../../agent/src/adapters/pinned-tls.ts';
import { runClient } from '../../scripts/tuf/client.ts';
import { type ServerProcess, startServer } from '../browser/server-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'fleet-server/src/cli/main.ts');
const SOURCE = join(ROOT, 'scripts/models/breast-cancer/1.0.0');
const MODEL = 'breast-cancer';
const TARGET = `models/${MODEL}/1.0.0/manifest.json`;
const DEVICE = {
  agentVersion: '0.1.0',
  arch: 'x64',
  os: 'linux',
  hostname: 'one',
  cpus: 4,
  memoryBytes: 1e9,
  diskFreeBytes: 1e9,
  runtime: { name: 'onnxruntime', version: '1.30.0' },
  providers: [{ name: 'cpu', state: 'ok' as const }],
};

let dir: string;
let server: ServerProcess;
let bridge: Server;
let url: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rf-tuf-'));
  server = await startServer(dir);
  const trust = join(dir, 'trust');
  const onlineKey = join(dir, 'keys', 'online.pub.json');
  await cli('trust', 'init', '--dir', trust, '--model', MODEL, '--online-key', onlineKey);
  await cli('trust', 'publish', '--dir', trust);
  await cli('release', 'build', SOURCE, '--out', join(dir, 'dist'));
  const dist = join(dir, 'dist', `${MODEL}-1.0.0`);
  await cli('release', 'sign', dist, '--trust', trust);
  await cli('release', 'publish', dist, '--trust', trust);
  bridge = await openBridge(await enrolled());
  url = `http://127.0.0.1:${(bridge.address() as AddressInfo).port}/device/v1`;
}, 120_000);

afterAll(async () => {
  bridge?.close();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

const cli = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['--conditions=source', CLI, ...args], {
    env: {
      ...process.env,
      RINGFLEET_URL: server.url,
      RINGFLEET_TOKEN_FILE: join(dir, 'keys', 'admin.token'),
      RINGFLEET_KEY_PASSPHRASE: 'a passphrase for this test',
      ORT_DISABLE_TELEMETRY: '1',
    },
  });

async function enrolled(): Promise<Identity> {
  const body = { name: 'one', labels: {} };
  const { token } = (await server.call('POST', 'tokens/enrollment', body)) as { token: string };
  const stateDir = join(dir, 'one');
  await mkdir(stateDir);
  await enroll({ stateDir, token, id: 'one', capabilities: DEVICE });
  return readIdentity(stateDir);
}

/** Other clients know nothing of device certificates: plain HTTP here, the device's own TLS towards the server. */
async function openBridge(identity: Identity): Promise<Server> {
  const agent = new PinnedAgent(pinOf(identity, identity.apiUrl, () => Date.now()));
  const opened = createServer((asked, answer) => {
    const going = request(new URL(asked.url ?? '', identity.apiUrl), { agent }, (response) => {
      answer.writeHead(response.statusCode ?? 500);
      response.pipe(answer);
    });
    going.on('error', () => answer.writeHead(502).end());
    going.end();
  });
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
  return opened;
}

it('lets tuf-js follow the chain to a manifest of ours and download it', async () => {
  const metadataDir = join(dir, 'tuf-js');
  await mkdir(metadataDir);
  await copyFile(join(dir, 'trust', 'metadata', '1.root.json'), join(metadataDir, 'root.json'));
  const targetDir = join(dir, 'tuf-js-targets');
  await mkdir(targetDir);
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: `${url}/metadata`,
    targetDir,
    targetBaseUrl: `${url}/targets`,
  });
  await updater.refresh();
  const target = await updater.getTargetInfo(TARGET);
  expect(target?.custom).toMatchObject({ model: MODEL, version: '1.0.0', releaseCounter: 1 });
  if (!target) throw new Error('no target');
  const manifest = JSON.parse(await readFile(await updater.downloadTarget(target), 'utf8'));
  expect(manifest).toMatchObject({ model: MODEL, version: '1.0.0' });
  expect(await updater.getTargetInfo('models/other/1.0.0/manifest.json')).toBeUndefined();
});

it('lets our own client do the same with the same files', async () => {
  const args = ['--metadata-dir', join(dir, 'own'), '--metadata-url', `${url}/metadata`];
  const places = ['--target-dir', join(dir, 'own-targets'), '--target-base-url', `${url}/targets`];
  await mkdir(join(dir, 'own'));
  await runClient([...args, 'init', join(dir, 'trust', 'metadata', '1.root.json')], Date.now());
  await runClient([...args, ...places, '--target-name', TARGET, 'download'], Date.now());
  const ours = await readFile(join(dir, 'own-targets', encodeURIComponent(TARGET)));
  expect(ours).toEqual(await readFile(join(dir, 'tuf-js-targets', encodeURIComponent(TARGET))));
});
