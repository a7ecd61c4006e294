import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeInChild, probeProviders, unusableOf } from './provider-probe.ts';
import { findRuntimeLibrary } from './runtime-library.ts';

const log = { debug: () => undefined, warn: () => undefined };
const ortNode = { backend: 'ort-node' } as const;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'provider-probe-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
const options = () => ({ runtime: ortNode, runDir: join(dir, 'run'), log });

describe('probing providers', () => {
  it('proves the processor by numbers, and calls what has no file here not installed', async () => {
    const { runtime, providers } = await probeProviders(options());
    expect(runtime).toEqual({ name: 'onnxruntime-node', version: findRuntimeLibrary(ortNode).version });
    expect(providers.map((one) => one.name)).toEqual(['cpu', 'cuda', 'tensorrt', 'openvino', 'webgpu']);
    expect(providers[0]).toEqual({ name: 'cpu', state: 'ok' });
    expect(providers.find((one) => one.name === 'openvino')?.state).toBe('notInstalled');
    const bad = providers.filter((one) => one.state !== 'ok');
    expect(bad.every((one) => one.reason)).toBe(true);
    expect(unusableOf(providers).map((one) => one.name)).toEqual(bad.map((one) => one.name));
  }, 60_000);

  it('keeps what works for the same library, and forgets it with another one', async () => {
    const cacheFile = join(dir, 'providers.json');
    const first = await probeProviders({ ...options(), cacheFile });
    const kept = JSON.parse(readFileSync(cacheFile, 'utf8')) as { library: string; providers: unknown };
    expect(kept.providers).toEqual(first.providers);
    const marked = { ...kept, providers: [{ name: 'webgpu', state: 'ok', reason: 'kept' }] };
    await writeFile(cacheFile, JSON.stringify(marked));
    const again = await probeProviders({ ...options(), cacheFile });
    expect(again.providers.at(-1)).toEqual({ name: 'webgpu', state: 'ok', reason: 'kept' });
    await writeFile(cacheFile, JSON.stringify({ ...marked, library: 'another' }));
    const other = await probeProviders({ ...options(), cacheFile });
    expect(other.providers.at(-1)).not.toHaveProperty('reason', 'kept');
  }, 60_000);

  it('tells what it found even when it cannot keep it', async () => {
    const cacheFile = join(dir, 'no-such-folder', 'providers.json');
    expect((await probeProviders({ ...options(), cacheFile })).providers[0]?.state).toBe('ok');
  }, 60_000);

  it('never takes a provider that the library silently leaves out for one that works', async () => {
    expect((await probeInChild('openvino', options())).state).toBe('notInstalled');
    expect((await probeInChild('made-up', options())).state).toBe('notInstalled');
  }, 30_000);

  it('says what the library said when it cannot be loaded', async () => {
    const library = join(dir, 'libonnxruntime.so');
    await writeFile(library, 'no library');
    const answer = await probeInChild('cpu', { ...options(), runtime: { backend: 'ort-capi', library } });
    expect(answer).toMatchObject({ state: 'loadFailed', reason: expect.stringContaining(library) });
  });

  it('ends a probe that takes too long', async () => {
    expect(await probeInChild('cpu', { ...options(), limitMs: 1 })).toMatchObject({ state: 'timedOut' });
    expect(existsSync(join(dir, 'run'))).toBe(true);
  });
});
