import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { type AssignedModel, artifactPath, type BundleFile } from '@ringfleet/shared/trust';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsBlobStore } from '../adapters/blobs-fs.ts';
import { callControl } from '../adapters/control-client.ts';
import { sha256OfFile } from '../adapters/sha256-file.ts';
import { systemClock } from '../adapters/system-clock.ts';
import type { Desired } from '../core/assignment-plan.ts';
import type { TakenBundle } from '../ports/trust-store.ts';
import { BundleImport, type ImportReply } from './bundle-import.ts';
import { importRoutes } from './control-import.ts';
import { startControlServer } from './control-server.ts';

const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');
const WEIGHTS = 'w'.repeat(1_000_000);
const MANIFEST = JSON.stringify({
  schema: 'ringfleet/manifest/1',
  model: 'tiny',
  version: '1.0.0',
  createdAt: '2030-01-01T00:00:00.000Z',
  description: '',
  license: 'Apache-2.0',
  files: [{ path: 'model.onnx', sizeBytes: WEIGHTS.length, sha256: `sha256:${sha256(WEIGHTS)}` }],
  variants: [
    {
      name: 'cpu',
      entry: 'model.onnx',
      files: ['model.onnx'],
      constraints: { providers: ['cpu'] },
      session: {},
      isProven: true,
    },
  ],
  inputs: [{ name: 'x', datatype: 'FP32', axes: [{ min: 1, max: 4 }] }],
  outputs: [{ name: 'y', datatype: 'FP32', axes: [{ min: 1, max: 4 }] }],
  pre: [],
  post: [],
  features: [],
  conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
  limits: { memoryBytes: 1_000_000, loadMs: 1_000, inferMs: 1_000 },
  lineage: {},
});
const listed = (content: string): BundleFile => ({
  path: artifactPath(sha256(content)),
  length: content.length,
  sha256: sha256(content),
});
const DESIRED: Desired = {
  generation: 1,
  models: [
    {
      model: 'tiny',
      version: '1.0.0',
      digest: `sha256:${sha256(MANIFEST)}`,
      manifestLength: MANIFEST.length,
      variants: ['cpu'],
    } as unknown as AssignedModel,
  ],
};

let dir: string;
let socket: string;
let stop: () => Promise<void>;
let files: BundleFile[];
let accepted: Desired[];
let refused: string[];
let diskFreeBytes: number;
let bundles: BundleImport;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-import-'));
  socket = join(dir, 'control.sock');
  files = [listed(MANIFEST), listed(WEIGHTS)];
  accepted = [];
  refused = [];
  diskFreeBytes = 10_000_000;
  const hasher = { sha256OfFile };
  bundles = new BundleImport({
    // What the real one decides is tested where it is; here it accepts.
    trust: { takeBundle: async (): Promise<TakenBundle> => ({ desired: DESIRED, files, acks: null }) },
    blobs: new FsBlobStore(join(dir, 'blobs'), hasher),
    hasher,
    facts: async () => ({
      arch: 'x64',
      os: 'linux',
      providers: ['cpu'],
      runtime: '1.30.0',
      memoryBytes: 1e9,
      diskFreeBytes,
      diskReserveBytes: 1_000,
    }),
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onAccepted: (desired) => accepted.push(desired),
    onAck: async () => 0,
    onRefused: (code) => refused.push(code),
  });
  const routes = importRoutes(bundles, () => Promise.reject(new CodedError('ABORTED')));
  ({ stop } = await startControlServer(socket, { status: async () => ({}) }, routes));
});
afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

const signal = AbortSignal.timeout(20_000);
const take = async (): Promise<ImportReply> =>
  (await callControl(socket, {
    method: 'POST',
    path: '/import',
    body: JSON.stringify({ bundle: 'b', files: {} }),
    signal,
  })) as ImportReply;
const bring = (hex: string, ...chunks: readonly (string | Error)[]): Promise<unknown> => {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk;
      yield Buffer.from(chunk);
    }
  }
  return callControl(socket, { method: 'PUT', path: `/import/artifacts/${hex}`, body: body(), signal });
};
const wanted = (reply: ImportReply): unknown => (reply.kind === 'wants' ? reply.artifacts : reply.kind);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('an import', () => {
  it('wants the manifest, then the files, and accepts when all of them are here', async () => {
    expect(wanted(await take())).toEqual([{ sha256: sha256(MANIFEST), length: MANIFEST.length }]);
    await bring(sha256(MANIFEST), MANIFEST);
    expect(wanted(await take())).toEqual([{ sha256: sha256(WEIGHTS), length: WEIGHTS.length }]);
    expect(accepted).toEqual([]);
    expect(bundles.isUnderWay).toBe(true);
    await bring(sha256(WEIGHTS), WEIGHTS);
    expect(wanted(await take())).toBe('imported');
    expect(accepted).toEqual([DESIRED]);
    expect(bundles.isUnderWay).toBe(false);
  });

  it('leaves the old state when the stick is pulled out in the middle, and takes the whole later', async () => {
    await take();
    await bring(sha256(MANIFEST), MANIFEST);
    await take();
    const pulled = new CodedError('STICK_UNREADABLE', 'input/output error');
    await expect(bring(sha256(WEIGHTS), WEIGHTS.slice(0, 500_000), pulled)).rejects.toThrow(
      code('STICK_UNREADABLE'),
    );
    expect(accepted).toEqual([]);
    expect(wanted(await take())).toEqual([{ sha256: sha256(WEIGHTS), length: WEIGHTS.length }]);
    await bring(sha256(WEIGHTS), WEIGHTS);
    expect(wanted(await take())).toBe('imported');
  });

  it('takes no byte beyond the signed length, nothing else than was signed for, and nothing it did not ask for', async () => {
    const hex = sha256(MANIFEST);
    await expect(bring(hex, MANIFEST)).rejects.toThrow(code('IMPORT_UNEXPECTED'));
    await take();
    await expect(bring(hex, MANIFEST, ...Array<string>(50).fill(WEIGHTS))).rejects.toThrow(
      code('ARTIFACT_CORRUPT'),
    );
    await expect(bring(hex, MANIFEST.replace('tiny', 'tidy'))).rejects.toThrow(code('ARTIFACT_CORRUPT'));
    await expect(bring(sha256(WEIGHTS), WEIGHTS)).rejects.toThrow(code('IMPORT_UNEXPECTED'));
    expect(wanted(await take())).toEqual([{ sha256: hex, length: MANIFEST.length }]);
  });

  it('is refused when the bundle lacks a file, or the disk the room', async () => {
    files = [listed(MANIFEST)];
    await take();
    await bring(sha256(MANIFEST), MANIFEST);
    await expect(take()).rejects.toThrow(code('BUNDLE_INCOMPLETE'));
    files = [listed(MANIFEST), listed(WEIGHTS)];
    diskFreeBytes = 900_000;
    await expect(take()).rejects.toThrow(code('DISK_SPACE_LOW'));
    expect(refused).toEqual(['BUNDLE_INCOMPLETE', 'DISK_SPACE_LOW']);
    expect(accepted).toEqual([]);
  });
});
