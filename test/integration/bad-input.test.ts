import { createHash } from 'node:crypto';
import { cp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CATALOG } from '@ringfleet/shared/errors';
import { manifestBytes, readManifest } from '@ringfleet/shared/release';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SOURCE, writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { LiveClient } from './live-client.ts';
import { type LiveAgent, LiveFleet } from './live-fleet.ts';
import { type Outcome, occupy, runToEnd } from './live-process.ts';

const MODEL = SOURCE.model;
const until = (check: () => void | Promise<void>, timeout = 20_000) =>
  vi.waitFor(check, { timeout, interval: 200 });

let fleet: LiveFleet;
let device: LiveAgent;
/** Asks `device` from here to the end, whatever else happens. */
let client: LiveClient;
let trust: string;

beforeAll(async () => {
  fleet = await LiveFleet.start();
  trust = join(fleet.dir, 'publisher');
  await makeTrust(trust);
  await fleet.must('trust', 'publish', '--dir', trust);
  for (const [order, stage] of ['a', 'b', 'c'].entries()) {
    await fleet.must('ring', 'set', stage, '--order', String(order + 1), '--selector', `stage=${stage}`);
  }
  await publishNew('1.0.0');
  await fleet.assign('a', `${MODEL}@1.0.0`);
  device = await fleet.agent('d-1', 'a');
  await until(async () => {
    const answer = await fetch(`${device.http}/v2/models/${MODEL}/ready`);
    expect(answer.status).toBe(200);
  });
  client = new LiveClient(device.http, MODEL);
  await until(async () => {
    expect((await fleet.device('d-1')).models).toMatchObject([{ phase: 'idle', isCommitted: true }]);
  });
});
afterAll(async () => {
  await client?.stop();
  await fleet?.stop();
});

/** Nothing that worked before stops: the client got answers during the test, and nothing else. */
let before = 0;
beforeEach(() => {
  before = client.answers;
});
afterEach(async () => {
  await until(() => expect(client.answers).toBeGreaterThan(before));
  expect(client.failures, JSON.stringify(device.log.slice(-30), null, 1)).toEqual([]);
  expect([...client.releases]).toEqual(['1.0.0']);
});

describe('a release that is refused before it is published', () => {
  it.each([
    ['truncated', 'model.onnx', (path: string) => truncate(path, 100)],
    ['altered', 'model.onnx', flipByte],
    ['with an altered manifest', 'manifest.json', flipByte],
    ['with a truncated manifest', 'manifest.json', (path: string) => truncate(path, 100)],
  ])('%s', async (name, file, spoil) => {
    const version = `2.0.${['truncated', 'altered', 'with an altered manifest'].indexOf(name) + 1}`;
    const dist = await build(version);
    await fleet.must('release', 'sign', dist, '--trust', trust);
    await spoil(await pathIn(dist, file));
    const outcome = await fleet.cli('release', 'publish', dist, '--trust', trust);
    const [exit, code] =
      file === 'model.onnx'
        ? ([2, 'RELEASE_DIST_INVALID'] as const)
        : name.includes('truncated')
          ? ([1, 'MANIFEST_INVALID'] as const)
          : ([3, 'RELEASE_NOT_SIGNED'] as const);
    expectOneError(outcome, exit, code);
    expect(await published(version)).toBe(404);
  });

  it('unsigned', async () => {
    const dist = await build('2.1.0');
    const outcome = await fleet.cli('release', 'publish', dist, '--trust', trust);
    expectOneError(outcome, 3, 'RELEASE_NOT_SIGNED');
    expect(await published('2.1.0')).toBe(404);
  });

  it('signed by somebody the fleet does not know', async () => {
    const stranger = join(fleet.dir, 'stranger');
    await makeTrust(stranger);
    const dist = await build('2.2.0');
    await fleet.must('release', 'sign', dist, '--trust', stranger);
    const outcome = await fleet.cli('release', 'publish', dist, '--trust', stranger);
    expectOneError(outcome, 3, 'KEY_UNKNOWN');
    expect(await published('2.2.0')).toBe(404);
  });

  it('a name and version again, with other bytes', async () => {
    const earlier = join(fleet.dir, 'earlier');
    await cp(trust, earlier, { recursive: true });
    await publishNew('2.3.0');
    // Later in the day: the manifest says when it was built.
    const again = await build('2.3.0');
    expectOneError(await fleet.cli('release', 'sign', again, '--trust', trust), 5, 'RELEASE_CONFLICT');
    // A publisher who lost the folder and signs from an old copy gets past their own machine, not past the server.
    await fleet.must('release', 'sign', again, '--trust', earlier);
    const outcome = await fleet.cli('release', 'publish', again, '--trust', earlier);
    expectOneError(outcome, 5, 'RELEASE_CONFLICT');
  });

  it('by the API: bytes that are not their digest, and metadata without its signature', async () => {
    const bytes = new TextEncoder().encode('other bytes');
    const upload = await fleet.api<Problem>(`artifacts/sha256/${'0'.repeat(64)}`, {
      method: 'PUT',
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(upload).toMatchObject({ status: 400, body: { code: 'DIGEST_MISMATCH' } });
    const signed = JSON.parse(await readFile(join(trust, 'metadata', `m.${MODEL}.json`), 'utf8')) as object;
    const metadata = JSON.stringify({ ...signed, signatures: [] });
    const registered = await fleet.api<Problem>('releases', {
      method: 'POST',
      body: JSON.stringify({ metadata }),
      headers: { 'content-type': 'application/json' },
    });
    expect(registered).toMatchObject({ status: 422, body: { code: 'METADATA_UNSIGNED' } });
    for (const { body } of [upload, registered]) expect(body.remedy).toMatch(/\.$/);
  });
});

describe('a model that does not load', () => {
  it('is refused at the build', async () => {
    const source = await writeSource(join(fleet.dir, 'garbage'));
    await writeFile(join(source, 'model.onnx'), 'not a model at all');
    const outcome = await fleet.cli('release', 'build', source, '--out', join(fleet.dir, 'dist'));
    expectOneError(outcome, 1, 'MODEL_LOAD_FAILED');
  });

  it('on the device only, is given up there', async () => {
    const dist = await build('3.0.0');
    await withModelBytes(dist, Buffer.from('loads on no runtime that this device has'));
    await publishSigned(dist);
    await givenUp('3.0.0', 'MODEL_LOAD_FAILED');
  });
});

describe("a release whose bytes changed on the server's disk after it was published", () => {
  it.each([
    ['3.1.0', 'altered', flipByte],
    ['3.2.0', 'truncated', (path: string) => truncate(path, 100)],
  ])('%s, %s, is refused by the device', async (version, _, spoil) => {
    const dist = await build(version);
    await withModelBytes(
      dist,
      Buffer.concat([await readFile(await pathIn(dist, 'model.onnx')), Buffer.from(version)]),
    );
    await publishSigned(dist);
    const { files } = readManifest(await readFile(join(dist, 'manifest.json')));
    const hex = files.find(({ path }) => path.endsWith('.onnx'))?.sha256.slice('sha256:'.length) ?? '';
    await spoil(join(fleet.serverDir, 'blobs', 'sha256', hex.slice(0, 2), hex));
    await givenUp(version, 'ARTIFACT_CORRUPT');
  });
});

describe('a second agent with the same identity', () => {
  it('is told and refused, the first is told and goes on, and what they run is frozen', async () => {
    await fleet.assign('b', `${MODEL}@1.0.0`);
    const first = await fleet.agent('d-2', 'b');
    await until(async () => {
      expect((await fleet.device('d-2')).models).toMatchObject([{ running: { version: '1.0.0' } }]);
      expect(await first.status()).toMatchObject({ isConnected: true });
    });
    const own = new LiveClient(first.http, MODEL);
    const copyDir = join(fleet.dir, 'copy');
    await cp(first.stateDir, copyDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const copy = await fleet.startAgent('d-2-copy', copyDir);
    const codes = (agent: LiveAgent, msg: string) =>
      agent.log.filter((line) => String(line['msg']).startsWith(msg)).map((line) => line['code']);
    await until(() => expect(codes(copy, 'refused by the fleet server')).toEqual(['CLONED_DEVICE']));
    await until(() => expect(codes(first, 'warned by the fleet server')).toEqual(['CLONED_DEVICE']));
    expect(await first.status()).toMatchObject({ isConnected: true });
    expect(await fleet.device('d-2')).toMatchObject({ status: 'cloned', isConnected: true });
    // The server saw it, and the first agent reports it as well.
    await until(async () => {
      const { body } = await fleet.api<{ items: { code: string; sentence: string }[] }>(
        'events/history?device=d-2&limit=100',
      );
      const alarms = body.items.filter(({ code }) => code === 'CLONED_DEVICE');
      expect(alarms.map(({ sentence }) => sentence).toSorted()).toEqual([
        'A second running agent claims to be d-2; it was refused.',
        expect.stringMatching(/^d-2: The fleet server warns: /),
      ]);
    });
    // Frozen: another release for the ring reaches neither.
    const { generation } = await first.status();
    await publishNew('3.3.0');
    await fleet.assign('b', `${MODEL}@3.3.0`);
    await until(async () => {
      const { outbox } = await first.status();
      expect(outbox.rows).toBe(0);
    });
    expect(await first.status()).toMatchObject({ generation, isConnected: true });
    await copy.stop();
    await own.stop();
    expect(own.failures).toEqual([]);
    expect([...own.releases]).toEqual(['1.0.0']);
    await first.stop();
  });
});

describe('a port in use', () => {
  it('is named with its key by the agent', async () => {
    const { port, server } = await occupy();
    const stateDir = join(fleet.dir, 'd-port');
    const tokenFile = await fleet.token('c');
    await runToEnd(
      'agent',
      ['enroll', '--token-file', tokenFile, '--id', 'd-port', '--state-dir', stateDir],
      {},
    );
    const config = fleet.agentConfig('d-port', { port });
    const outcome = await runToEnd('agent', ['run', '--state-dir', stateDir, '--config', config], {});
    server.close();
    expectOneError(outcome, 2, 'PORT_IN_USE', 'http.port');
  });

  it.each([
    ['people.port', 'people'],
    ['people.plainPort', 'plain'],
    ['device.port', 'device'],
    ['mqtt.port', 'mqtt'],
  ] as const)('is named with its key %s by the server', async (key, name) => {
    const { port, server } = await occupy();
    const config = fleet.serverConfig({ people: 0, plain: 0, device: 0, mqtt: 0, [name]: port });
    const dataDir = join(fleet.dir, 'second-server');
    const outcome = await runToEnd('server', ['--config', config, '--data-dir', dataDir], {});
    server.close();
    expectOneError(outcome, 2, 'PORT_IN_USE', key);
  });
});

describe('a server that is not there', () => {
  it('makes enrolling fail with exit code 4', async () => {
    const tokenFile = await fleet.token('c');
    await fleet.stopServer();
    try {
      const stateDir = join(fleet.dir, 'd-none');
      const outcome = await runToEnd(
        'agent',
        ['enroll', '--token-file', tokenFile, '--state-dir', stateDir],
        {},
      );
      expectOneError(outcome, 4, 'SERVER_UNREACHABLE');
      expectOneError(await fleet.cli('device', 'list'), 4, 'SERVER_UNREACHABLE');
    } finally {
      await fleet.startServer();
    }
  });

  it('does not keep an agent from starting, serving what it has, keeping its reports, and coming back', async () => {
    await fleet.assign('c', `${MODEL}@1.0.0`);
    const agent = await fleet.agent('d-3', 'c');
    const own = new LiveClient(agent.http, MODEL);
    await until(async () => {
      expect((await fleet.device('d-3')).models).toMatchObject([{ phase: 'idle', isCommitted: true }]);
    });
    await own.stop();
    await agent.stop();
    await fleet.stopServer();
    try {
      await agent.start();
      const alone = new LiveClient(agent.http, MODEL);
      await until(async () => {
        const { isConnected, outbox } = await agent.status();
        expect([isConnected, outbox.rows > 1]).toEqual([false, true]);
      });
      await fleet.startServer();
      await until(async () => {
        const { isConnected, outbox } = await agent.status();
        expect([isConnected, outbox.rows]).toEqual([true, 0]);
      });
      await alone.stop();
      expect(alone.answers).toBeGreaterThan(10);
      expect(alone.failures).toEqual([]);
      expect([...alone.releases]).toEqual(['1.0.0']);
    } finally {
      await fleet.startServer();
      await agent.stop();
    }
  });
});

interface Problem {
  readonly code: string;
  readonly remedy: string;
}

/** Three lines on stderr: what is wrong, what to do, the code. Nothing on stdout, no stack. */
function expectOneError(
  { code, out, err }: Outcome,
  exit: number,
  expected: keyof typeof CATALOG,
  says = '',
): void {
  const lines = err.trimEnd().split('\n');
  expect([code, lines.at(-1)]).toEqual([exit, expected]);
  // The server logs to stdout what it has done until then.
  expect(out.split('\n').filter((line) => line && !line.startsWith('{'))).toEqual([]);
  expect(lines.at(-2)).toBe(CATALOG[expected].remedy);
  expect(lines.at(-3)).toContain(CATALOG[expected].sentence);
  expect(lines.at(-3)).toContain(says);
  expect(err).not.toMatch(/^\s+at /m);
}

async function makeTrust(dir: string): Promise<void> {
  const online = join(fleet.serverDir, 'keys', 'online.pub.json');
  await fleet.must('trust', 'init', '--dir', dir, '--model', MODEL, '--online-key', online);
}

async function build(version: string, model = 'tiny.onnx'): Promise<string> {
  const source = await writeSource(
    join(fleet.dir, `source-${version}`),
    (s) => Object.assign(s, { version, limits: { ...s.limits, inferMs: 5_000 } }),
    { model },
  );
  const printed = await fleet.must('release', 'build', source, '--out', join(fleet.dir, 'dist'), '--json');
  return (JSON.parse(printed) as { folder: string }).folder;
}

async function publishSigned(dist: string): Promise<void> {
  await fleet.must('release', 'sign', dist, '--trust', trust);
  await fleet.must('release', 'publish', dist, '--trust', trust);
}

const publishNew = async (version: string): Promise<void> => publishSigned(await build(version));

const published = async (version: string): Promise<number> =>
  (await fleet.api(`releases/${MODEL}/${version}`)).status;

/** Assigned to the device's ring it is refused there with `code`; the release before goes on answering. */
async function givenUp(version: string, code: string): Promise<void> {
  await fleet.assign('a', `${MODEL}@${version}`);
  await until(async () => {
    const { models } = await fleet.device('d-1');
    expect(models).toMatchObject([
      { phase: 'idle', running: { version: '1.0.0' }, isCommitted: true, failure: { code } },
    ]);
    expect(models[0]?.failure?.reason).toMatch(/\S/);
  });
  await fleet.assign('a', `${MODEL}@1.0.0`);
}

/** A publisher's own mistake: other model bytes under a manifest that fits them. */
async function withModelBytes(dist: string, bytes: Uint8Array): Promise<void> {
  const path = join(dist, 'manifest.json');
  const manifest = readManifest(await readFile(path));
  const file = manifest.files.find((one) => one.path.endsWith('.onnx'));
  if (!file) throw new Error('the release has no model');
  await writeFile(join(dist, file.path), bytes);
  const sha256 = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const files = manifest.files.map((one) =>
    one === file ? { ...one, sizeBytes: bytes.length, sha256 } : one,
  );
  await writeFile(path, manifestBytes({ ...manifest, files }));
}

async function pathIn(dist: string, name: string): Promise<string> {
  if (name === 'manifest.json') return join(dist, name);
  const { files } = readManifest(await readFile(join(dist, 'manifest.json')));
  return join(dist, files.find(({ path }) => path.endsWith('.onnx'))?.path ?? name);
}

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.indexOf('Picks') >= 0 ? bytes.indexOf('Picks') : Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
