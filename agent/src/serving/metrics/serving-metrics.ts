import type { Runner, RunnerCounts } from '../../ports/runtime.ts';
import type { ServingRouter } from '../router.ts';
import type { TraceCounts } from '../tracing/tracer.ts';
import { Exposition, type Labels } from './exposition.ts';
import { featureMetrics } from './feature-metrics.ts';
import type { ModelStats, VersionStats } from './request-stats.ts';

interface Series {
  readonly labels: Labels;
  readonly stats: VersionStats;
}

/** What operators know from Triton keeps its name and meaning; what is ours begins with `ringfleet_` (docs/metrics.md). */
export function servingMetrics(
  router: ServingRouter,
  agentVersion: string,
  counts: ReadonlyMap<Runner, RunnerCounts> = new Map(),
  traces?: TraceCounts,
): string {
  const models = router.models().flatMap((model) => {
    const stats = router.stats(model);
    return stats ? [{ model, stats }] : [];
  });
  const series = models.flatMap(({ model, stats }) => seriesOf(router, model, stats));
  const out = new Exposition();
  const each = (value: (stats: VersionStats) => number) =>
    series.map(({ labels, stats }) => [labels, value(stats)] as const);

  out.family('ringfleet_agent_info', 'gauge', 'The running agent.', [[{ version: agentVersion }, 1]]);
  out.family(
    'nv_inference_request_success',
    'counter',
    'Requests that were answered.',
    each(({ request }) => request.count),
  );
  out.family(
    'nv_inference_request_failure',
    'counter',
    'Requests that failed, by reason.',
    series.flatMap(({ labels, stats }) =>
      Object.entries(stats.failures).map(([reason, count]) => [{ ...labels, reason }, count] as const),
    ),
  );
  out.family(
    'nv_inference_count',
    'counter',
    'Inferences that were answered; a request is one.',
    each(({ request }) => request.count),
  );
  out.family(
    'nv_inference_exec_count',
    'counter',
    'Runs of the model that were answered.',
    each(({ compute }) => compute.count),
  );
  out.family(
    'nv_inference_request_duration_us',
    'counter',
    'Time of answered requests, microseconds.',
    each(({ request }) => request.sumUs),
  );
  out.family(
    'nv_inference_queue_duration_us',
    'counter',
    'Of that, time before the runner could begin.',
    each(({ queue }) => queue.sumUs),
  );
  out.family(
    'nv_inference_compute_infer_duration_us',
    'counter',
    'Of that, time inside the runtime.',
    each(({ compute }) => compute.sumUs),
  );
  out.family(
    'nv_inference_pending_request_count',
    'gauge',
    'Requests without an answer yet.',
    models.map(({ model, stats }) => [labelsOf(model, activeOf(router, model)), stats.pending] as const),
  );
  for (const [what, help] of DURATIONS) {
    out.durations(
      `ringfleet_inference_${what}_duration_seconds`,
      help,
      series.map(({ labels, stats }) => [labels, stats[what]] as const),
    );
  }
  out.family(
    'ringfleet_inference_degraded_total',
    'counter',
    "Requests that were answered and marked: a value broke its feature's schema.",
    each(({ degraded }) => degraded),
  );
  loaded(out, router);
  featureMetrics(out, counts);
  if (traces) {
    out.family(
      'ringfleet_traced_inferences_total',
      'counter',
      'Sampled inferences, by what became of their spans.',
      Object.entries(traces).map(([result, count]) => [{ result }, count] as const),
    );
  }
  processMetrics(out);
  return out.text();
}

const DURATIONS = [
  ['request', 'Answered requests, from the router to the answer.'],
  ['queue', 'The wait of answered requests before the runner could begin.'],
  ['compute', 'Time of answered requests inside the runtime.'],
] as const;

export const loadedRunners = (router: ServingRouter): Runner[] =>
  router
    .models()
    .flatMap((model) => router.view(model) ?? [])
    .flatMap(({ active, previous }) => [active, previous].flatMap((one) => one ?? []));

/** The releases that are loaded now: who they are, whether they answer, and what became of their runners. */
function loaded(out: Exposition, router: ServingRouter): void {
  const views = router.models().flatMap((model) => router.view(model) ?? []);
  const runners = loadedRunners(router);
  out.family(
    'ringfleet_model_ready',
    'gauge',
    'Whether a request to the model would be answered now.',
    views.map(({ model, isReady }) => [{ model }, isReady ? 1 : 0] as const),
  );
  out.family(
    'ringfleet_model_info',
    'gauge',
    'A loaded release, its variant and the provider it runs on.',
    runners.map(({ spec: { model, version, variant }, provider }) => [
      { model, version, variant, provider: provider.active },
      1,
    ]),
  );
  out.family(
    'ringfleet_model_provider_info',
    'gauge',
    'What a loaded release asked to run on, in order, what it runs on, and why.',
    runners.map(({ spec: { model, version }, provider: { asked, active, reason } }) => [
      { model, version, asked: asked.join(','), active, reason },
      1,
    ]),
  );
  out.family(
    'ringfleet_model_provider_nodes',
    'gauge',
    'Nodes of a loaded release per provider, where that was counted.',
    runners.flatMap(({ spec: { model, version }, provider }) =>
      Object.entries(provider.nodes ?? {}).map(
        ([name, count]) => [{ model, version, provider: name }, count] as const,
      ),
    ),
  );
  for (const [what, name, help] of [
    [
      'fallbacks',
      'ringfleet_inference_fallbacks_total',
      'Requests of this release that the previous one answered.',
    ],
    ['runnerExits', 'ringfleet_runner_exits_total', 'Runner processes of this release that ended unasked.'],
  ] as const) {
    out.family(
      name,
      'counter',
      help,
      runners.map(({ spec: { model, version, digest } }) => [
        labelsOf(model, version),
        router.counts(model, digest)[what],
      ]),
    );
  }
}

function processMetrics(out: Exposition): void {
  const { user, system } = process.cpuUsage();
  const none: Labels = {};
  out.family('process_cpu_seconds_total', 'counter', 'CPU time of the agent without its runners.', [
    [none, (user + system) / 1e6],
  ]);
  out.family('process_resident_memory_bytes', 'gauge', 'Memory of the agent without its runners.', [
    [none, process.memoryUsage.rss()],
  ]);
  out.family('process_start_time_seconds', 'gauge', 'Start of the agent, seconds since 1970.', [
    [none, Math.round(Date.now() / 1000 - process.uptime())],
  ]);
}

/** A series exists from the moment a release is loaded, so that a rate over its first request is right. */
function seriesOf(router: ServingRouter, model: string, stats: ModelStats): Series[] {
  const view = router.view(model);
  for (const runner of [view?.active, view?.previous]) if (runner) stats.of(runner.spec.version);
  return [...stats.versions()].map(([version, one]) => ({ labels: labelsOf(model, version), stats: one }));
}

const labelsOf = (model: string, version: string): Labels => ({ model, version });
const activeOf = (router: ServingRouter, model: string): string =>
  router.view(model)?.active?.spec.version ?? '';
