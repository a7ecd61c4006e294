import { CodedError } from '@ringfleet/shared/errors';
import type { TensorSpec } from '@ringfleet/shared/release';
import { metadataShape } from '@ringfleet/shared/v2';
import type { Runner } from '../ports/runtime.ts';
import type { RouteView, ServingRouter } from './router.ts';

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export interface IndexRow {
  readonly name: string;
  readonly version: string;
  readonly label?: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason?: string;
}

export const serverMetadata = (version: string) => ({
  name: 'ringfleet-agent',
  version,
  extensions: ['binary_tensor_data', 'classification', 'model_repository', 'schedule_policy', 'statistics'],
});

/** V2 model metadata of the release that answers. */
export function modelMetadata(view: RouteView, runner: Runner): ModelMetadata {
  const { model, manifest } = runner.spec;
  const versions = [view.active, view.previous].flatMap((routed) => (routed ? [routed.spec.version] : []));
  return {
    name: model,
    versions: [...new Set(versions)],
    platform: 'onnxruntime_onnx',
    inputs: manifest.inputs.map(tensorMetadata),
    outputs: manifest.outputs.map(tensorMetadata),
  };
}

/** Whether every model that is assigned would answer now. */
export const isServerReady = (router: ServingRouter): boolean =>
  router.models().every((name) => router.view(name)?.isReady);

/** The view of an assigned model. Throws MODEL_UNKNOWN. */
export function viewOf(router: ServingRouter, model: string): RouteView {
  const view = router.view(model);
  if (!view) throw new CodedError('MODEL_UNKNOWN', `no model ${model} is assigned to this device`);
  return view;
}

/** The runner behind a version, a label, or nothing (the active one). Throws MODEL_EMPTY, MODEL_UNKNOWN. */
export function labelled(view: RouteView, version: string | undefined): Runner {
  const { active, previous } = view;
  if (!active) throw new CodedError('MODEL_EMPTY');
  if (version === undefined || version === 'active') return active;
  const runner =
    version === 'previous' ? previous : [active, previous].find((one) => one?.spec.version === version);
  if (!runner)
    throw new CodedError('MODEL_UNKNOWN', `${view.model} has no version ${version} on this device now`);
  return runner;
}

/** Triton's repository index: every release that is loaded, and the models that have none. */
export function repositoryIndex(router: ServingRouter, onlyReady = false): IndexRow[] {
  const rows = router.models().flatMap((model): IndexRow[] => {
    const view = router.view(model);
    if (!view?.active) return [{ name: model, version: '', state: 'UNAVAILABLE', reason: 'MODEL_EMPTY' }];
    const state = view.isReady
      ? ({ state: 'READY' } as const)
      : ({ state: 'UNAVAILABLE', reason: 'RUNNER_GONE' } as const);
    const row = (runner: Runner, label: string): IndexRow => ({
      name: model,
      version: runner.spec.version,
      label,
      ...state,
    });
    return [row(view.active, 'active'), ...(view.previous ? [row(view.previous, 'previous')] : [])];
  });
  return onlyReady ? rows.filter(({ state }) => state === 'READY') : rows;
}

const tensorMetadata = (spec: TensorSpec): TensorMetadata => ({
  name: spec.name,
  datatype: spec.datatype,
  shape: metadataShape(spec),
});
