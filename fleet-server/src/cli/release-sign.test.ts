import { randomBytes } from 'node:crypto';
import { appendFile, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generateKeyPair,
  publicKeyFile,
  readModelRole,
  verifyModelRole,
  verifyRoot,
  verifyTargets,
} from '@ringfleet/shared/trust';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRelease } from '../release-build/build-release.ts';
import { writeSource } from '../release-build/release-fixture.ts';
import { type DistFolder, readDist } from './built-release.ts';
import { publishRelease } from './release-publish.ts';
import { signRelease } from './release-sign.ts';
import { TrustFolder } from './trust-folder.ts';
import { initTrust } from './trust-init.ts';
import { publishTrust } from './trust-publish.ts';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
const PASSPHRASE = 'correct horse';
const code = (code: string) => expect.objectContaining({ code });
let once: string;
let root: string;
let trust: TrustFolder;

// Locking four keys takes a second: made once, copied for every test.
beforeAll(async () => {
  once = await mkdtemp(join(tmpdir(), 'trust-'));
  const online = generateKeyPair(randomBytes(32)).publicKey;
  await writeFile(join(once, 'online.pub.json'), JSON.stringify(publicKeyFile(online)));
  await init(join(once, 'trust'));
});
afterAll(async () => {
  await rm(once, { recursive: true });
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sign-'));
  trust = new TrustFolder(join(root, 'trust'));
  await cp(join(once, 'trust'), trust.path, { recursive: true });
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const init = (dir: string, onlineKeyFile = join(once, 'online.pub.json')) =>
  initTrust({ dir, models: ['tiny', 'keyword'], onlineKeyFile, passphrase: PASSPHRASE, nowMs: NOW_MS });

async function dist(version: string, nowMs = NOW_MS): Promise<DistFolder> {
  const source = await writeSource(root, (s) => Object.assign(s, { version }));
  const signal = new AbortController().signal;
  const built = await buildRelease({ source, out: join(root, 'dist'), nowMs, progress: () => {}, signal });
  return await readDist(built.folder);
}

/** What a server keeps: enough of the API to publish to. */
class Server {
  readonly blobs = new Map<string, number>();
  readonly documents = new Map<string, string>();
  readonly posted: unknown[] = [];
  puts = 0;

  progress = (): void => {};

  request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const name = path.split('/').at(-1) ?? '';
    if (method === 'HEAD') return this.blobs.has(name) ? undefined : null;
    if (method === 'GET') return this.documents.get(name) ?? null;
    if (method === 'PUT') {
      this.puts++;
      this.documents.set(name, String(body));
    }
    if (method === 'POST') this.posted.push(body);
    return undefined;
  };

  upload = async (path: string, stream: AsyncIterable<Uint8Array>, length: number): Promise<void> => {
    let received = 0;
    for await (const chunk of stream) received += chunk.length;
    expect(received).toBe(length);
    this.blobs.set(path.split('/').at(-1) ?? '', length);
  };
}

describe('trust init', () => {
  it('makes locked keys and a development root that checks out', async () => {
    const rootText = await trust.metadata('1.root.json');
    const verified = verifyRoot(null, rootText, NOW_MS);
    expect(verified.isDevelopment).toBe(true);
    const targets = verifyTargets(verified, await trust.metadata('targets.json'), NOW_MS);
    expect([...targets.models.keys()]).toEqual(['tiny', 'keyword']);
    const keys = await readdir(join(trust.path, 'keys'));
    expect(keys.filter((name) => name.endsWith('.key.json'))).toHaveLength(4);
    expect((await stat(join(trust.path, 'keys', 'tiny.key.json'))).mode & 0o777).toBe(0o600);
  });

  it('never touches an existing folder', async () => {
    const before = await readFile(join(trust.path, 'keys', 'root.key.json'), 'utf8');
    await expect(init(trust.path)).rejects.toThrow(code('TRUST_DIR_EXISTS'));
    expect(await readFile(join(trust.path, 'keys', 'root.key.json'), 'utf8')).toBe(before);
  });

  it('refuses a file that is no public key', async () => {
    const dir = join(root, 'other');
    await writeFile(join(root, 'bad.json'), '{}');
    await expect(init(dir, join(root, 'bad.json'))).rejects.toThrow(code('KEY_FILE_INVALID'));
    await expect(init(dir, join(root, 'no.json'))).rejects.toThrow(code('FILE_UNREADABLE'));
    expect(await readdir(root)).not.toContain('other');
  });
});

describe('release sign', () => {
  it('adds each release with the next counter, and the same one once', async () => {
    const first = await dist('1.0.0');
    expect(await signRelease(first, trust, PASSPHRASE, NOW_MS)).toMatchObject({
      isNew: true,
      metadataVersion: 1,
    });
    const text = await trust.metadata('m.tiny.json');
    expect(await signRelease(first, trust, PASSPHRASE, NOW_MS)).toMatchObject({
      isNew: false,
      metadataVersion: 1,
    });
    expect(await trust.metadata('m.tiny.json')).toBe(text);
    await signRelease(await dist('1.1.0'), trust, PASSPHRASE, NOW_MS);
    const { targets } = await trust.verified();
    const role = verifyModelRole(targets, 'tiny', await trust.metadata('m.tiny.json'), NOW_MS, 2);
    expect(role.releases.map(({ version, releaseCounter }) => [version, releaseCounter])).toEqual([
      ['1.0.0', 1],
      ['1.1.0', 2],
    ]);
  });

  it('refuses the same version with other bytes', async () => {
    await signRelease(await dist('1.0.0'), trust, PASSPHRASE, NOW_MS);
    const other = await dist('1.0.0', NOW_MS + 1_000);
    await expect(signRelease(other, trust, PASSPHRASE, NOW_MS)).rejects.toThrow(code('RELEASE_CONFLICT'));
  });

  it('refuses a wrong passphrase and signs nothing', async () => {
    await expect(signRelease(await dist('1.0.0'), trust, 'wrong', NOW_MS)).rejects.toThrow(
      code('KEY_PASSPHRASE_WRONG'),
    );
    expect(await trust.metadataOrNull('m.tiny.json')).toBeNull();
  });

  it('does not put its name under metadata that was changed', async () => {
    await signRelease(await dist('1.0.0'), trust, PASSPHRASE, NOW_MS);
    const text = await trust.metadata('m.tiny.json');
    await writeFile(
      trust.metadataPath('m.tiny.json'),
      text.replace('"releaseCounter": 1', '"releaseCounter": 9'),
    );
    const next = await dist('1.1.0');
    await expect(signRelease(next, trust, PASSPHRASE, NOW_MS)).rejects.toThrow(code('SIGNATURE_INVALID'));
  });

  it('refuses a model that the folder has no publisher for', async () => {
    const strange = await dist('1.0.0');
    const other = { ...strange, manifest: { ...strange.manifest, model: 'other' } };
    await expect(signRelease(other, trust, PASSPHRASE, NOW_MS)).rejects.toThrow(code('MODEL_NOT_DELEGATED'));
  });

  it('refuses a built release with a file changed or missing', async () => {
    const { folder } = await dist('1.0.0');
    await appendFile(join(folder, 'models', 'int8-cpu', 'model.onnx'), 'x');
    await expect(readDist(folder)).rejects.toThrow(code('RELEASE_DIST_INVALID'));
    await rm(join(folder, 'models'), { recursive: true });
    await expect(readDist(folder)).rejects.toThrow(code('RELEASE_DIST_INVALID'));
    await expect(readDist(root)).rejects.toThrow(code('RELEASE_DIST_INVALID'));
  });
});

describe('publish', () => {
  it('sends root and targets once', async () => {
    const server = new Server();
    expect(await publishTrust(server, trust)).toEqual(['1.root.json', 'targets.json']);
    expect(await publishTrust(server, trust)).toEqual([]);
    expect(server.puts).toBe(2);
  });

  it('sends the files the server lacks, then the signed metadata', async () => {
    const server = new Server();
    const release = await dist('1.0.0');
    await expect(publishRelease(server, release, trust)).rejects.toThrow(code('RELEASE_NOT_SIGNED'));
    expect(server.blobs.size).toBe(0);
    await signRelease(release, trust, PASSPHRASE, NOW_MS);
    const sent = await publishRelease(server, release, trust);
    expect(server.blobs.get(release.manifestSha256)).toBe(release.manifestLength);
    expect(sent).toMatchObject({ uploaded: server.blobs.size, skipped: 0 });
    expect(await publishRelease(server, release, trust)).toMatchObject({
      uploaded: 0,
      skipped: server.blobs.size,
    });
    const [posted] = server.posted as { metadata: string }[];
    expect(readModelRole(posted?.metadata ?? '').releases[0]?.version).toBe('1.0.0');
  });
});
