import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@ringfleet/shared/release';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsBlobStore } from './blobs-fs.ts';
import { sha256OfFile } from './sha256-file.ts';
import { FsSlots } from './slots-fs.ts';

let dir: string;
let blobs: FsBlobStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-slots-'));
  blobs = new FsBlobStore(join(dir, 'blobs'), { sha256OfFile });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
async function* chunks(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
async function put(text: string): Promise<string> {
  const digest = digestOf(text);
  await blobs.append(digest, 0, chunks(text), text.length);
  await blobs.finish(digest);
  return digest;
}

describe('blobs', () => {
  it('go on where an earlier try stopped', async () => {
    const digest = digestOf('hello world');
    async function* cut(): AsyncIterable<Uint8Array> {
      yield Buffer.from('hello ');
      throw new Error('connection lost');
    }
    await expect(blobs.append(digest, 0, cut(), 11)).rejects.toThrow('connection lost');
    expect(await blobs.partialBytes(digest)).toBe(6);
    await blobs.append(digest, 6, chunks('world'), 11);
    await blobs.finish(digest);
    expect(readFileSync(blobs.path(digest), 'utf8')).toBe('hello world');
    await blobs.finish(digest);
  });

  it('keep nothing when the bytes do not match the digest', async () => {
    const digest = digestOf('right');
    await blobs.append(digest, 0, chunks('wrong'), 5);
    await expect(blobs.finish(digest)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    expect(await blobs.has(digest, 5)).toBe(false);
    expect(await blobs.partialBytes(digest)).toBe(0);
  });

  it('stop at the size that was signed', async () => {
    await expect(blobs.append(digestOf('x'), 0, chunks('abc', 'def'), 5)).rejects.toMatchObject({
      code: 'ARTIFACT_CORRUPT',
    });
  });

  it('never leave their folder', () => {
    expect(() => blobs.path('sha256:../../etc/passwd')).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_CORRUPT' }),
    );
  });
});

describe('slots', () => {
  async function release(version: string): Promise<{ version: string; digest: string; variant: string }> {
    const model = `weights of ${version}`;
    const manifest = {
      schema: 'ringfleet/manifest/1',
      model: 'tiny',
      version,
      createdAt: '2026-01-01T00:00:00Z',
      description: '',
      license: 'none',
      files: [
        { path: 'a/model.onnx', sizeBytes: model.length, sha256: await put(model) },
        { path: 'conformance/000.req', sizeBytes: 3, sha256: await put('req') },
      ],
      variants: [
        {
          name: 'cpu',
          entry: 'a/model.onnx',
          files: ['a/model.onnx'],
          constraints: { providers: ['cpu'] },
          session: {},
          isProven: true,
        },
      ],
      inputs: [{ name: 'x', datatype: 'FP32', axes: [] }],
      outputs: [{ name: 'y', datatype: 'FP32', axes: [] }],
      pre: [],
      post: [],
      features: [],
      conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
      limits: { memoryBytes: 1, loadMs: 1, inferMs: 1 },
      lineage: {},
    } satisfies Manifest;
    return { version, digest: await put(JSON.stringify(manifest)), variant: 'cpu' };
  }
  const slots = (): FsSlots => new FsSlots(join(dir, 'slots'), blobs, { sha256OfFile });

  it('hold every file at its path and can be made twice', async () => {
    const one = await release('1.0.0');
    await slots().install('tiny', one);
    await slots().install('tiny', one);
    const { dir: slot, manifest } = await slots().verify('tiny', one);
    expect(readFileSync(join(slot, 'a/model.onnx'), 'utf8')).toBe('weights of 1.0.0');
    expect(manifest.version).toBe('1.0.0');
  });

  it('are refused when one byte changed on disk', async () => {
    const one = await release('1.0.0');
    await slots().install('tiny', one);
    const path = join(dir, 'slots/tiny/1.0.0/a/model.onnx');
    chmodSync(path, 0o600);
    writeFileSync(path, 'Weights of 1.0.0');
    await expect(slots().verify('tiny', one)).rejects.toMatchObject({ code: 'SLOT_CORRUPT' });
  });

  it('are refused when the same version has another digest', async () => {
    const one = await release('1.0.0');
    await slots().install('tiny', one);
    const other = { ...one, digest: digestOf('other manifest') };
    await expect(slots().verify('tiny', other)).rejects.toMatchObject({ code: 'SLOT_CORRUPT' });
  });

  it('go when they are not needed, and their bytes with them', async () => {
    const [one, two] = [await release('1.0.0'), await release('1.1.0')];
    await slots().install('tiny', one);
    await slots().install('tiny', two);
    await slots().keepOnly('tiny', () => ['1.1.0']);
    await blobs.sweep(() => Promise.resolve(new Set()));
    await slots().verify('tiny', two);
    await expect(slots().verify('tiny', one)).rejects.toMatchObject({ code: 'SLOT_CORRUPT' });
    expect(await blobs.partialBytes(one.digest)).toBe(0);
    expect(await sha256OfFile(blobs.path(one.digest))).toBeNull();
    expect(await sha256OfFile(blobs.path(digestOf('req')))).not.toBeNull();
  });
});
