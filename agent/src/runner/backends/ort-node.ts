import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { tensorFromOrt } from '@ringfleet/shared/v2';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { toOrt } from '../ort-tensors.ts';
import { providerNamed } from '../providers/registry.ts';
import type { Backend, BackendSession, OpenOptions, ValueInfo } from './backend.ts';
import { readNodeCounts } from './node-counts.ts';

type Ort = typeof import('onnxruntime-node');

/** onnxruntime-node, loaded only when it is asked for. A run blocks this process and cannot be ended from inside. */
export async function openOrtNode(): Promise<Backend> {
  let ort: Ort;
  try {
    ort = await import('onnxruntime-node');
  } catch (cause) {
    throw new CodedError('RUNTIME_LIBRARY_UNUSABLE', textOfError(cause), { cause });
  }
  return {
    name: 'ort-node',
    version: ort.env.versions.node ?? '0.0.0',
    canTerminate: false,
    compiledIn: () => ort.listSupportedBackends().map((backend) => backend.name),
    open: (path, options) => open(ort, path, options),
  };
}

async function open(ort: Ort, path: string, options: OpenOptions): Promise<BackendSession> {
  const { provider, isStrict, isProfiled, settings } = options;
  const spinning = settings.isSpinning ? '1' : '0';
  if (!providerNamed(provider))
    throw new CodedError('PROVIDER_NOT_AVAILABLE', `this agent knows no provider ${provider}`);
  const profileDir = isProfiled ? await mkdtemp(join(tmpdir(), 'ringfleet-profile-')) : undefined;
  const session = await create(ort, path, {
    executionProviders: [provider],
    intraOpNumThreads: settings.intraOpThreads,
    enableCpuMemArena: settings.hasArena,
    enableMemPattern: settings.hasArena,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(profileDir ? { enableProfiling: true, profileFilePrefix: join(profileDir, 'run') } : {}),
    extra: {
      session: {
        intra_op: { allow_spinning: spinning },
        inter_op: { allow_spinning: spinning },
        // With the CPU asked for by name, the library calls this a contradiction.
        ...(isStrict && provider !== 'cpu' ? { disable_cpu_ep_fallback: '1' } : {}),
      },
    },
  }).catch(async (err: unknown) => {
    if (profileDir) await rm(profileDir, { recursive: true, force: true });
    throw err;
  });
  return {
    inputs: session.inputMetadata.map(infoOf),
    outputs: session.outputMetadata.map(infoOf),
    run: (inputs, names) => run(session, inputs, names),
    terminate: () => undefined,
    nodeCounts: async () => {
      if (!profileDir) return undefined;
      session.endProfiling();
      const counts = await readNodeCounts(join(profileDir, 'run'));
      await rm(profileDir, { recursive: true, force: true });
      return counts;
    },
    close: () => session.release(),
  };
}

async function create(
  ort: Ort,
  path: string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await ort.InferenceSession.create(path, options);
  } catch (cause) {
    throw new CodedError('MODEL_LOAD_FAILED', textOfError(cause), { cause });
  }
}

async function run(
  session: InferenceSession,
  inputs: Parameters<BackendSession['run']>[0],
  names: readonly string[],
) {
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrt(input)]));
  let results: InferenceSession.ReturnType;
  try {
    results = await session.run(feeds, names);
  } catch (cause) {
    throw new CodedError('INFER_FAILED', textOfError(cause), { cause });
  }
  return names.map((name) => {
    const result = results[name] as OrtTensor | undefined;
    if (!result) throw new CodedError('INFER_FAILED', `the model gave no output ${name} this time`);
    return tensorFromOrt(name, result);
  });
}

const infoOf = (value: InferenceSession.ValueMetadata): ValueInfo =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: [...value.shape] }
    : { name: value.name, shape: [] };

const textOfError = (err: unknown): string =>
  (err instanceof Error ? err.message : String(err)).slice(0, 500);
