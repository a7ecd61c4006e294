import type { TensorSpec } from '@ringfleet/shared/release';
import { metadataShape } from '@ringfleet/shared/v2';
import type { Runner } from '../ports/runtime.ts';
import type { RouteView, ServingRouter } from './router.ts';

export const serverMetadata = (version: string): object => ({
  name: 'ringfleet-agent',
  version,
  extensions: ['binary_tensor_data', 'classification', 'model_repository', 'statistics'],
});

/** V2 model metadata of the release that answers. */
export function modelMetadata(view: RouteView, runner: Runner): object {
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

/** Triton's repository index: every release that is loaded, and the models that have none. */
export function repositoryIndex(router: ServingRouter): object[] {
  return router.models().flatMap((model): object[] => {
    const view = router.view(model);
    if (!view?.active) return [{ name: model, version: '', state: 'UNAVAILABLE', reason: 'MODEL_EMPTY' }];
    const state = view.isReady ? { state: 'READY' } : { state: 'UNAVAILABLE', reason: 'RUNNER_GONE' };
    const row = (runner: Runner, label: string): object => ({
      name: model,
      version: runner.spec.version,
      label,
      ...state,
    });
    return [row(view.active, 'active'), ...(view.previous ? [row(view.previous, 'previous')] : [])];
  });
}

/** Statistics per loaded release: the shape of Triton's extension, and what the runner counts beyond it. */
export async function modelStatistics(router: ServingRouter, view: RouteView): Promise<object> {
  const rows = [view.active, view.previous].flatMap((runner) => (runner ? [runner] : []));
  const stats = await Promise.all(
    rows.map(async (runner) => {
      const routed = router.counts(view.model, runner.spec.digest);
      // A runner that is gone has no counts any more; the router's are still true.
      const counted = await runner.counts().catch(() => undefined);
      return {
        name: view.model,
        version: runner.spec.version,
        inference_count: routed.answers,
        execution_count: routed.answers,
        inference_stats: {
          success: { count: routed.answers },
          fail: { count: routed.failures + routed.rejected },
        },
        ringfleet: {
          digest: runner.spec.digest,
          variant: runner.spec.variant,
          provider: runner.provider.active,
          ...routed,
          ...(counted ? { latencyUs: counted.latencyUs, rssBytes: counted.rssBytes } : {}),
        },
      };
    }),
  );
  return { model_stats: stats };
}

const tensorMetadata = (spec: TensorSpec): object => ({
  name: spec.name,
  datatype: spec.datatype,
  shape: metadataShape(spec),
});
