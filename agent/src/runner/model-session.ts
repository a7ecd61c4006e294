import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Manifest, TensorSpec } from '@ringfleet/shared/release';
import { applyPost, applyPre, sourcesOf } from '@ringfleet/shared/steps';
import { type Tensor, tensorFromOrt, tensorOf } from '@ringfleet/shared/v2';
import { InferenceSession } from 'onnxruntime-node';
import type { RunnerSpec } from '../ports/runtime.ts';
import type { ProviderChoice } from './messages.ts';
import { toOrt } from './ort-tensors.ts';
import { chooseProvider } from './providers.ts';

export interface Ran {
  /** As the manifest declares them, after its steps. */
  readonly outputs: readonly Tensor[];
  /** As the model gave them: classes are counted and compared on these, whatever the steps make of them. */
  readonly raw: readonly Tensor[];
  readonly computeUs: number;
}

/** The one ONNX Runtime session of this process. */
export interface ModelSession {
  readonly provider: ProviderChoice;
  readonly manifest: Manifest;
  /** Blocks this process while the model runs; computes the named outputs, by default all. Throws INFER_FAILED. */
  run(inputs: readonly Tensor[], outputs?: ReadonlySet<string>): Promise<Ran>;
}

/** Opens the variant's entry by path and runs it once. Throws PROVIDER_NOT_AVAILABLE, MODEL_LOAD_FAILED, MODEL_SIGNATURE_MISMATCH. */
export async function openSession(spec: RunnerSpec): Promise<ModelSession> {
  const { manifest } = spec;
  const variant = manifest.variants.find((candidate) => candidate.name === spec.variant);
  if (!variant) throw new CodedError('MODEL_LOAD_FAILED', `the manifest has no variant ${spec.variant}`);
  const { sessionOptions, ...provider } = chooseProvider(variant);
  const session = await openFile(join(spec.slotDir, variant.entry), {
    ...sessionOptions,
    intraOpNumThreads: variant.session.intraOpThreads ?? 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // Spinning threads would burn half a core at 30 inferences a second.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
  expectNames(
    'inputs',
    manifest.inputs.map((input) => input.name),
    session.inputNames,
    true,
  );
  const names = [
    ...sourcesOf(
      manifest.post,
      manifest.outputs.map((output) => output.name),
    ),
  ];
  expectNames('outputs', names, session.outputNames, false);
  const model: ModelSession = {
    provider,
    manifest,
    run: async (inputs, wanted) => {
      const sources = wanted ? sourcesOf(manifest.post, wanted) : undefined;
      const asked = sources ? names.filter((name) => sources.has(name)) : names;
      const { raw, computeUs } = await run(session, asked, applyPre(manifest.pre, inputs));
      return { raw, outputs: applyPost(manifest.post, raw), computeUs };
    },
  };
  // The first run allocates. What zeros do to the model says nothing about real inputs, so a failure is not one here.
  await model.run(manifest.inputs.map(zeros)).catch(() => undefined);
  return model;
}

/** Opens a model file by path. Throws MODEL_LOAD_FAILED. */
export async function openFile(
  path: string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, options);
  } catch (cause) {
    throw new CodedError('MODEL_LOAD_FAILED', textOfError(cause), { cause });
  }
}

async function run(
  session: InferenceSession,
  names: readonly string[],
  inputs: readonly Tensor[],
): Promise<Omit<Ran, 'outputs'>> {
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrt(input)]));
  const startedAt = process.hrtime.bigint();
  let results: InferenceSession.ReturnType;
  try {
    results = await session.run(feeds, [...names]);
  } catch (cause) {
    throw new CodedError('INFER_FAILED', textOfError(cause), { cause });
  }
  const computeUs = Number((process.hrtime.bigint() - startedAt) / 1000n);
  const raw = names.map((name) => tensorFromOrt(name, results[name] ?? MISSING));
  return { raw, computeUs };
}

/** An optional output that the graph did not give this time; no tensor to V2. */
const MISSING = { type: 'nothing', dims: [], data: undefined };

function expectNames(
  what: string,
  declared: readonly string[],
  names: readonly string[],
  isComplete: boolean,
): void {
  const missing = declared.filter((name) => !names.includes(name));
  const extra = isComplete ? names.filter((name) => !declared.includes(name)) : [];
  if (missing.length + extra.length > 0) {
    throw new CodedError(
      'MODEL_SIGNATURE_MISMATCH',
      `the manifest's ${what} are ${declared.join(', ')}; the model's are ${names.join(', ')}`,
    );
  }
}

function zeros(spec: TensorSpec): Tensor {
  const shape = spec.axes.map((axis) => Math.max(1, axis.min));
  const elements = shape.reduce((product, axis) => product * axis, 1);
  if (spec.datatype === 'BYTES') {
    return { name: spec.name, datatype: 'BYTES', shape, data: new Uint8Array(4 * elements) };
  }
  return tensorOf(spec.name, spec.datatype, shape, new Float64Array(elements));
}

const textOfError = (err: unknown): string =>
  (err instanceof Error ? err.message : String(err)).slice(0, 500);
