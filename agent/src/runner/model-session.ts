import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Manifest, TensorSpec } from '@ringfleet/shared/release';
import { applyPost, applyPre, sourcesOf } from '@ringfleet/shared/steps';
import { type MayBeMissing, type Tensor, tensorOf } from '@ringfleet/shared/v2';
import { providerPlan } from '../core/provider-choice.ts';
import { settingsOf } from '../core/run-profile.ts';
import type { Backend, BackendSession } from './backends/backend.ts';
import { DEFAULT_BACKEND, openBackend } from './backends/open-backend.ts';
import type { LoadBody, LoadStage, ProviderChoice } from './messages.ts';
import { openOnProvider } from './providers/open-on-provider.ts';
import { librariesBehind, libraryFolders } from './providers/provider-files.ts';
import { acceleratorName, providerOptions } from './providers/provider-options.ts';

export interface Ran {
  /** As the manifest declares them, after its steps. */
  readonly outputs: readonly Tensor[];
  /** As the model gave them: classes are counted and compared on these, whatever the steps make of them. */
  readonly raw: readonly Tensor[];
  /** When the model itself began, by `performance.now()`. */
  readonly beganAt: number;
  readonly computeUs: number;
}

/** The one ONNX Runtime session of this process. */
export interface ModelSession {
  readonly provider: ProviderChoice;
  readonly manifest: Manifest;
  /** Where a request may hold NaN. */
  readonly mayBeMissing: MayBeMissing;
  readonly backend: Pick<Backend, 'name' | 'version' | 'canTerminate'>;
  /**
   * Computes the named outputs, by default all. With `ort-node` this process is blocked while the model runs. Throws
   * INFER_FAILED, EXECUTION_LIMIT_EXCEEDED.
   */
  run(inputs: readonly Tensor[], outputs?: ReadonlySet<string>): Promise<Ran>;
  /** Ends what runs now, where the back end can. */
  terminate(): void;
}

/** Opens the variant's entry by path and runs it once. Throws PROVIDER_NOT_AVAILABLE, MODEL_LOAD_FAILED, MODEL_SIGNATURE_MISMATCH. */
export async function openSession(
  spec: LoadBody,
  onStage: (stage: LoadStage, provider: string) => void = () => undefined,
): Promise<ModelSession> {
  const { manifest, runtime: choice = DEFAULT_BACKEND } = spec;
  const variant = manifest.variants.find((candidate) => candidate.name === spec.variant);
  if (!variant) throw new CodedError('MODEL_LOAD_FAILED', `the manifest has no variant ${spec.variant}`);
  const backend = await openBackend(choice);
  const context = {
    choice,
    backend,
    modelDigest: spec.digest,
    variant: variant.name,
    device: acceleratorName(),
    libraries: (provider: string) =>
      librariesBehind(provider, libraryFolders(dirname(choice.library ?? ''), process.env)),
  };
  const names = [...sourcesOf(manifest.post, namesOf(manifest.outputs))];
  const run = async (
    session: BackendSession,
    inputs: readonly Tensor[],
    wanted?: ReadonlySet<string>,
  ): Promise<Ran> => {
    const sources = wanted && sourcesOf(manifest.post, wanted);
    const asked = sources ? names.filter((name) => sources.has(name)) : names;
    const prepared = applyPre(manifest.pre, inputs);
    const beganAt = performance.now();
    const raw = await session.run(prepared, asked);
    const computeUs = Math.floor((performance.now() - beganAt) * 1000);
    return { raw, outputs: applyPost(manifest.post, raw), beganAt, computeUs };
  };
  const { session, outcome } = await openOnProvider({
    backend,
    path: join(spec.slotDir, variant.entry),
    asked: variant.constraints.providers,
    plan: providerPlan(variant),
    unusable: spec.unusable ?? [],
    settings: settingsOf(spec.profile ?? 'balanced', variant.session.intraOpThreads, availableParallelism()),
    onStage,
    providerOptions: (provider) => providerOptions(provider, context),
    warmUp: async (opened) => {
      expectNames('inputs', namesOf(manifest.inputs), namesOf(opened.inputs), true);
      expectNames('outputs', names, namesOf(opened.outputs), false);
      // The first run allocates. What zeros do to the model says nothing about real inputs, so a failure is not one here.
      await run(opened, manifest.inputs.map(zeros)).catch(() => undefined);
    },
  });
  return {
    provider: outcome,
    manifest,
    mayBeMissing: missingPlaces(manifest),
    backend,
    run: (inputs, wanted) => run(session, inputs, wanted),
    terminate: () => session.terminate(),
  };
}

function missingPlaces({ features }: Manifest): MayBeMissing {
  const places = features.filter(({ expect }) => expect?.missing !== undefined);
  return (input, element) => places.some((one) => one.input === input && one.index === element);
}

const namesOf = (values: readonly { readonly name: string }[]): string[] => values.map((value) => value.name);

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
