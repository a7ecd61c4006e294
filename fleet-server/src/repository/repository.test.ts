import {
  buildModelRole,
  buildRoot,
  buildTargets,
  DEFAULT_RULES,
  findTarget,
  generateKeyPair,
  readSnapshot,
  readTimestamp,
  refresh,
  runWorkflow,
  type Signer,
  signDocument,
  signerOf,
  type TrustMetadataStore,
} from '@ringfleet/shared/trust';
import { beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../ports/log.ts';
import { MemoryTrust } from './memory-trust.fixture.ts';
import { startRepository } from './repository.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2030-01-01T00:00:00Z');
const START_S = START_MS / 1000;
const YEAR_MS = 365 * DAY_MS;

const signer = (seed: number): Signer => signerOf(generateKeyPair(new Uint8Array(32).fill(seed)).secretKey);
const offline = signer(1);
const by = (one: Signer) => ({ keys: [one.publicKey], threshold: 1 });

let trust: MemoryTrust;
let nowMs: number;
let online: Signer;

beforeEach(() => {
  trust = new MemoryTrust();
  nowMs = START_MS;
  online = signer(2);
});

const start = () =>
  startRepository({
    trust,
    events: {
      onAppend: (listener) => {
        trust.onAppend = () => listener();
        return () => {};
      },
    },
    signer: online,
    clock: () => nowMs,
    log: SILENT,
  });

async function publishRoot(version: number): Promise<void> {
  const roles = { root: by(offline), targets: by(offline), snapshot: by(online), timestamp: by(online) };
  const content = { version, expires: START_MS + YEAR_MS, isDevelopment: true, ...roles };
  await trust.put(
    'root',
    version,
    signDocument(buildRoot({ ...content, director: { ...by(online), epoch: 1 } }), [offline]),
  );
}

async function publishTargets(version: number, models = ['tiny']): Promise<void> {
  const content = {
    version,
    expires: START_MS + YEAR_MS,
    models: models.map((model) => ({ model, ...by(offline) })),
  };
  await trust.put('targets', version, signDocument(buildTargets(content), [offline]));
}

async function publishModel(version: number): Promise<void> {
  const releases = [{ version: '1.0.0', releaseCounter: version, length: 5, sha256: 'ab'.repeat(32) }];
  const content = { model: 'tiny', version, expires: START_MS + YEAR_MS, minReleaseCounter: 1, releases };
  await trust.put('m.tiny', version, signDocument(buildModelRole(content), [offline]));
}

async function publishAll(): Promise<void> {
  await publishRoot(1);
  await publishTargets(1);
  await publishModel(1);
}

const snapshot = async () => readSnapshot((await trust.get('snapshot')) ?? '');
const timestamp = async () => readTimestamp((await trust.get('timestamp')) ?? '');

describe('the online roles', () => {
  it('wait until there is something to speak of', async () => {
    const repository = await start();
    await repository.ensureCurrent();
    expect(trust.documents.size).toBe(0);
    await publishAll();
    await repository.ensureCurrent();
    expect((await snapshot()).meta).toMatchObject({
      'm.tiny.json': { version: 1 },
      'targets.json': { version: 1 },
    });
    expect((await timestamp()).meta).toMatchObject({ 'snapshot.json': { version: START_S } });
    await repository.stop();
  });

  it('are signed anew for every change, and only then', async () => {
    await publishAll();
    const repository = await start();
    await repository.ensureCurrent();
    expect([(await snapshot()).version, (await timestamp()).version]).toEqual([START_S, START_S]);
    await publishModel(2);
    await repository.ensureCurrent();
    await repository.ensureCurrent();
    expect([(await snapshot()).version, (await timestamp()).version]).toEqual([START_S + 1, START_S + 1]);
    await repository.stop();
  });

  it('are renewed by time alone, the timestamp more often than the snapshot', async () => {
    await publishAll();
    const repository = await start();
    nowMs += 4 * DAY_MS;
    await repository.ensureCurrent();
    expect([(await snapshot()).version, (await timestamp()).version]).toEqual([START_S, nowMs / 1000]);
    nowMs += 12 * DAY_MS;
    await repository.ensureCurrent();
    expect([(await snapshot()).version, (await timestamp()).version]).toEqual([nowMs / 1000, nowMs / 1000]);
    expect((await timestamp()).expires).toBe(nowMs + 7 * DAY_MS);
    await repository.stop();
  });

  it('are renewed at the start when the server was off for long', async () => {
    await publishAll();
    await (await start()).stop();
    nowMs += 90 * DAY_MS;
    await (await start()).stop();
    expect((await snapshot()).expires).toBe(nowMs + 30 * DAY_MS);
  });

  it('are newer at the start than those of the same server before it was put back from a backup', async () => {
    await publishAll();
    await (await start()).stop();
    const backup = trust.copy();
    nowMs += DAY_MS;
    await (await start()).stop();
    const lost = [(await snapshot()).version, (await timestamp()).version] as const;
    trust = backup;
    nowMs += 1000;
    await (await start()).stop();
    expect((await snapshot()).version).toBeGreaterThan(lost[0]);
    expect((await timestamp()).version).toBeGreaterThan(lost[1]);
  });

  it('are newer than what a device has seen, even where the clock was ahead once', async () => {
    await publishAll();
    const repository = await start();
    repository.outdo('timestamp', START_S + 500);
    await repository.ensureCurrent();
    expect([(await snapshot()).version, (await timestamp()).version]).toEqual([START_S, START_S + 501]);
    await repository.ensureCurrent();
    expect((await timestamp()).version).toBe(START_S + 501);
    await repository.stop();
  });

  it('are signed anew when a root names another online key', async () => {
    await publishAll();
    await (await start()).stop();
    online = signer(3);
    await publishRoot(2);
    await (await start()).stop();
    expect((await timestamp()).signedBy).toEqual([online.keyid]);
  });

  it('go on listing a model that lost its delegation, so that clients do not see a rollback', async () => {
    await publishAll();
    const repository = await start();
    await publishTargets(2, []);
    await repository.ensureCurrent();
    expect(Object.keys((await snapshot()).meta)).toEqual(['m.tiny.json', 'targets.json']);
    await repository.stop();
  });

  it('make a repository that the client workflow goes through to a manifest', async () => {
    await publishAll();
    await (await start()).stop();
    const factoryRoot = Buffer.from((await trust.get('root')) ?? '');
    const stored = { factoryRoot, root: null, rootFloor: 1, roles: new Map() };
    const fetch = async (file: string) => {
      const [, version, role = ''] = /^(?:(\d+)\.)?(.+)\.json$/.exec(file) ?? [];
      const text = await trust.get(role, version === undefined ? undefined : Number(version));
      return text === null ? null : Buffer.from(text);
    };
    const store: TrustMetadataStore = {
      load: async () => stored,
      init: async () => {},
      keepRoot: async () => {},
      keep: async () => {},
      drop: async () => {},
    };
    const set = await runWorkflow(refresh(stored, nowMs, DEFAULT_RULES), store, fetch);
    const path = 'models/tiny/1.0.0/manifest.json';
    const found = await runWorkflow(findTarget(set, stored, path), store, fetch);
    expect(found.target?.length).toBe(5);
    await expect(
      runWorkflow(refresh(stored, nowMs + 8 * DAY_MS, DEFAULT_RULES), store, fetch),
    ).rejects.toMatchObject({ code: 'METADATA_EXPIRED' });
  });
});
