import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Tensor } from '@ringfleet/shared/v2';
import { nameOfLibraryProvider, providerNamed } from '../providers/registry.ts';
import type { Backend, BackendSession, OpenOptions, ValueInfo } from './backend.ts';
import { readNodeCounts } from './node-counts.ts';
import { type Argument, loadOrtApi, type OrtApi, OrtFailure, type Pointer } from './ort-api.ts';
import { elementTypeName, fromValue, readTypeAndShape, toValue } from './ort-capi-tensors.ts';

const LOG_ERRORS_ONLY = 3;
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;

interface Library {
  readonly api: OrtApi;
  readonly env: Pointer;
  readonly allocator: Pointer;
  readonly memoryInfo: Pointer;
}

/** Any libonnxruntime.so by its path, through its C API. Runs leave the loop free and can be ended. */
export async function openOrtCapi(path: string): Promise<Backend> {
  const api = await loadOrtApi(path);
  const env = api.make('CreateEnv', LOG_ERRORS_ONLY, 'ringfleet');
  api.call('DisableTelemetryEvents', env);
  const library: Library = {
    api,
    env,
    allocator: api.make('GetAllocatorWithDefaultOptions'),
    memoryInfo: api.make('CreateCpuMemoryInfo', ARENA_ALLOCATOR, DEFAULT_MEMORY),
  };
  return {
    name: 'ort-capi',
    version: api.version,
    canTerminate: true,
    compiledIn: () => compiledIn(api),
    open: (file, options) => open(library, file, options),
  };
}

function compiledIn(api: OrtApi): string[] {
  const list = new BigUint64Array(1);
  const count = new Int32Array(1);
  api.call('GetAvailableProviders', list, count);
  const addresses = Buffer.from(api.bytesAt(list[0] ?? 0n, 8 * (count[0] ?? 0)));
  const names = Array.from({ length: count[0] ?? 0 }, (_, i) => api.textAt(addresses.readBigUInt64LE(8 * i)));
  api.call('ReleaseAvailableProviders', list[0] ?? 0n, count[0] ?? 0);
  return names.map(nameOfLibraryProvider);
}

async function open(library: Library, path: string, options: OpenOptions): Promise<BackendSession> {
  const { api, env } = library;
  const profileDir = options.isProfiled ? await mkdtemp(join(tmpdir(), 'ringfleet-profile-')) : undefined;
  let session = 0n;
  const settings = api.make('CreateSessionOptions');
  try {
    api.call('SetSessionLogSeverityLevel', settings, LOG_ERRORS_ONLY);
    api.call('SetIntraOpNumThreads', settings, options.settings.intraOpThreads);
    api.call('SetInterOpNumThreads', settings, 1);
    if (profileDir) api.call('EnableProfiling', settings, join(profileDir, 'run'));
    const spinning = options.settings.isSpinning ? '1' : '0';
    api.call('AddSessionConfigEntry', settings, 'session.intra_op.allow_spinning', spinning);
    api.call('AddSessionConfigEntry', settings, 'session.inter_op.allow_spinning', spinning);
    if (!options.settings.hasArena) {
      api.call('DisableCpuMemArena', settings);
      api.call('DisableMemPattern', settings);
    }
    if (options.isStrict && options.provider !== 'cpu')
      api.call('AddSessionConfigEntry', settings, 'session.disable_cpu_ep_fallback', '1');
    append(api, settings, options);
    session = api.make('CreateSession', env, path, settings);
  } catch (err) {
    if (profileDir) await rm(profileDir, { recursive: true, force: true });
    throw coded(err, 'MODEL_LOAD_FAILED');
  } finally {
    api.release('ReleaseSessionOptions', settings);
  }
  const flying = new Set<Promise<unknown>>();
  const runs = new Set<Run>();
  return {
    inputs: infos(library, session, 'Input'),
    outputs: infos(library, session, 'Output'),
    run: (inputs, names) => {
      const running = run(library, session, inputs, names, runs);
      flying.add(running);
      const landed = (): boolean => flying.delete(running);
      running.then(landed, landed);
      return running;
    },
    terminate: () => {
      for (const one of runs) {
        one.isEnded = true;
        api.call('RunOptionsSetTerminate', one.options);
      }
    },
    nodeCounts: async () => {
      if (!profileDir) return undefined;
      const name = api.make('SessionEndProfiling', session, library.allocator);
      api.call('AllocatorFree', library.allocator, name);
      const counts = await readNodeCounts(join(profileDir, 'run'));
      await rm(profileDir, { recursive: true, force: true });
      return counts;
    },
    close: async () => {
      await Promise.allSettled(flying);
      api.release('ReleaseSession', session);
      session = 0n;
    },
  };
}

/** CUDA and TensorRT take their options through structs of their own, everything else as keys and values. */
function append(api: OrtApi, settings: Pointer, options: OpenOptions): void {
  const { provider, providerOptions = {} } = options;
  const known = providerNamed(provider);
  if (!known) throw new CodedError('PROVIDER_NOT_AVAILABLE', `this agent knows no provider ${provider}`);
  if (provider === 'cpu') return;
  const [keys, values] = [
    cStrings(api, Object.keys(providerOptions)),
    cStrings(api, Object.values(providerOptions)),
  ];
  const count = Object.keys(providerOptions).length;
  if (provider === 'cuda' || provider === 'tensorrt') {
    const own = provider === 'cuda' ? 'Cuda' : 'TensorRt';
    const made = api.make(`Create${own}Options`);
    try {
      if (count > 0) api.call(`Update${own}Options`, made, keys.addresses, values.addresses, count);
      api.call(`Append${own}V2`, settings, made);
    } finally {
      api.release(`Release${own}Options`, made);
    }
  } else {
    api.call('AppendProvider', settings, known.appendName, keys.addresses, values.addresses, count);
  }
  for (const { texts } of [keys, values]) texts.length = 0;
}

/** Addresses of texts. Whoever passes them on uses `texts` once more afterwards, or they may be collected too early. */
function cStrings(api: OrtApi, list: readonly string[]): { texts: Buffer[]; addresses: BigUint64Array } {
  const texts = list.map((text) => Buffer.from(`${text}\0`));
  // One more, so that an empty list has an address too.
  return { texts, addresses: BigUint64Array.from([...texts.map((text) => api.addressOf(text)), 0n]) };
}

function infos({ api, allocator }: Library, session: Pointer, which: 'Input' | 'Output'): ValueInfo[] {
  const count = Number(api.make(`SessionGet${which}Count`, session));
  return Array.from({ length: count }, (_, i) => {
    const text = api.make(`SessionGet${which}Name`, session, i, allocator);
    const name = api.textAt(text);
    api.call('AllocatorFree', allocator, text);
    const typeInfo = api.make(`SessionGet${which}TypeInfo`, session, i);
    try {
      const tensorInfo = api.make('CastTypeInfoToTensorInfo', typeInfo);
      if (tensorInfo === 0n) return { name, shape: [] };
      const { type, shape } = readTypeAndShape(api, tensorInfo);
      const symbols = new BigUint64Array(shape.length + 1);
      api.call('GetSymbolicDimensions', tensorInfo, symbols, shape.length);
      return {
        name,
        type: elementTypeName(type),
        shape: shape.map((axis, at) => (axis >= 0 ? axis : api.textAt(symbols[at] ?? 0n))),
      };
    } finally {
      api.release('ReleaseTypeInfo', typeInfo);
    }
  });
}

/** A run that the library works on now. */
interface Run {
  readonly options: Pointer;
  isEnded: boolean;
}

async function run(
  { api, memoryInfo, allocator }: Library,
  session: Pointer,
  inputs: readonly Tensor[],
  names: readonly string[],
  runs: Set<Run>,
): Promise<Tensor[]> {
  const release: Pointer[] = [];
  const memory: Argument[] = [];
  const results = new BigUint64Array(names.length);
  let own: Run | undefined;
  try {
    for (const input of inputs) {
      const value = toValue(api, input, memoryInfo, allocator);
      release.push(value.pointer);
      memory.push(...value.memory);
    }
    const feeds = BigUint64Array.from(release);
    const feedNames = cStrings(
      api,
      inputs.map((input) => input.name),
    );
    const resultNames = cStrings(api, names);
    memory.push(feeds, ...feedNames.texts, ...resultNames.texts);
    own = { options: api.make('CreateRunOptions'), isEnded: false };
    runs.add(own);
    const count = inputs.length;
    await api.callAsync(
      'Run',
      session,
      own.options,
      feedNames.addresses,
      feeds,
      count,
      resultNames.addresses,
      names.length,
      results,
    );
    return names.map((name, i) => fromValue(api, name, results[i] ?? 0n));
  } catch (err) {
    if (own?.isEnded) throw new CodedError('EXECUTION_LIMIT_EXCEEDED', undefined, { cause: err });
    throw coded(err, 'INFER_FAILED');
  } finally {
    if (own) runs.delete(own);
    for (const value of [...release, ...results]) api.release('ReleaseValue', value);
    if (own) api.release('ReleaseRunOptions', own.options);
    // Everything the other thread looked at has to live until here.
    memory.length = 0;
  }
}

const coded = (err: unknown, code: ErrorCode): unknown => (err instanceof OrtFailure ? err.as(code) : err);
