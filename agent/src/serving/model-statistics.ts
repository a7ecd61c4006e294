import type { DurationHistogram } from './metrics/histogram.ts';
import { VersionStats } from './metrics/request-stats.ts';
import { labelled } from './model-metadata.ts';
import type { RouteView, ServingRouter } from './router.ts';

export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

/** One row of Triton's statistics extension, as both protocols show it; `ringfleet` is ours and in REST only. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 before the first. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: StatisticDuration;
    readonly fail: StatisticDuration;
    readonly queue: StatisticDuration;
    readonly compute_input: StatisticDuration;
    readonly compute_infer: StatisticDuration;
    readonly compute_output: StatisticDuration;
    readonly cache_hit: StatisticDuration;
    readonly cache_miss: StatisticDuration;
  };
  readonly batch_stats: readonly object[];
  readonly ringfleet: object;
}

/** Statistics of the releases of a model that are loaded, or of one of them. Throws MODEL_UNKNOWN, MODEL_EMPTY. */
export async function modelStatistics(
  router: ServingRouter,
  view: RouteView,
  version?: string,
): Promise<ModelStatistics[]> {
  const loaded = [view.active, view.previous].flatMap((runner) => (runner ? [runner] : []));
  const runners = version === undefined ? loaded : [labelled(view, version)];
  return Promise.all(
    runners.map(async (runner) => {
      const { model, digest, variant } = runner.spec;
      const routed = router.counts(model, digest);
      const stats = router.stats(model)?.versions().get(runner.spec.version) ?? new VersionStats();
      // A runner that is gone has no counts any more; the router's are still true.
      const counted = await runner.counts().catch(() => undefined);
      const failures = Object.values(stats.failures).reduce((sum, count) => sum + count, 0);
      const { count } = stats.request;
      return {
        name: model,
        version: runner.spec.version,
        last_inference: stats.lastMs,
        inference_count: count,
        execution_count: stats.compute.count,
        inference_stats: {
          success: duration(stats.request),
          fail: { count: failures, ns: nanos(stats.failureUs) },
          queue: duration(stats.queue),
          // Decoding and encoding happen in the runner and are not measured apart.
          compute_input: { count, ns: 0 },
          compute_infer: duration(stats.compute),
          compute_output: { count, ns: 0 },
          cache_hit: { count: 0, ns: 0 },
          cache_miss: { count: 0, ns: 0 },
        },
        batch_stats: [],
        ringfleet: {
          digest,
          variant,
          provider: runner.provider.active,
          ...routed,
          ...(counted ? { latencyUs: counted.latencyUs, rssBytes: counted.rssBytes } : {}),
        },
      };
    }),
  );
}

/** The same for every model that is assigned. */
export async function allStatistics(router: ServingRouter): Promise<ModelStatistics[]> {
  const views = router.models().flatMap((model) => router.view(model) ?? []);
  return (await Promise.all(views.map((view) => modelStatistics(router, view)))).flat();
}

const duration = (histogram: DurationHistogram): StatisticDuration => ({
  count: histogram.count,
  ns: nanos(histogram.sumUs),
});

const nanos = (us: number): number => Math.round(us * 1000);
