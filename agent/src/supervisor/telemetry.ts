import { freemem, loadavg } from 'node:os';
import type {
  DeviceHealth,
  ModelTelemetry,
  ProviderTelemetry,
  Telemetry,
  WatchAlarm,
} from '@ringfleet/shared/protocol';
import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import { VIOLATIONS, type Violation } from '@ringfleet/shared/stats';
import type { Static } from 'typebox';
import { runningOf } from '../core/update-reports.ts';
import type { Baseline, UpdateState } from '../core/update-state.ts';
import type { OutboxStats } from '../ports/journal.ts';
import type { RouteCounts, Router } from '../ports/router.ts';
import type { Runner, RunnerAlarm, RunnerCounts } from '../ports/runtime.ts';

const MIN_BASELINE = 200;
const NO_LATENCY: readonly number[] = Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);

export interface TelemetrySource {
  readonly state: UpdateState;
  /** Runner of what answers now, while it lives. */
  readonly runner: Runner | null;
}

/** Turns counts that only grow into heartbeats that cover [from, to) without gaps. */
export class TelemetryCollector {
  readonly #router: Router;
  readonly #startedMs: number;
  readonly #lastRoute = new Map<string, RouteCounts>();
  /** The two newest looks at each runner. */
  readonly #looks = new WeakMap<Runner, readonly RunnerCounts[]>();
  #fromMs: number;

  constructor(router: Router, nowMs: number) {
    this.#router = router;
    this.#startedMs = nowMs;
    this.#fromMs = nowMs;
  }

  async collect(
    sources: readonly TelemetrySource[],
    outbox: OutboxStats,
    diskFreeBytes: number,
    nowMs: number,
    health?: DeviceHealth,
  ): Promise<Telemetry> {
    const models = await Promise.all(sources.map((source) => this.#model(source, nowMs)));
    const from = this.#fromMs;
    this.#fromMs = nowMs;
    const { user, system } = process.cpuUsage();
    return {
      from,
      to: Math.max(from, nowMs),
      device: {
        uptimeMs: Math.max(0, nowMs - this.#startedMs),
        rssBytes: process.memoryUsage.rss(),
        cpuMs: Math.round((user + system) / 1000),
        memoryFreeBytes: freemem(),
        diskFreeBytes,
        load1: loadavg()[0] ?? 0,
        ...(health ? { health } : {}),
      },
      outbox: { ...outbox },
      models,
    };
  }

  /** What a release showed lately: the soak of its successor is compared with it. */
  async baselineOf(runner: Runner): Promise<Baseline | null> {
    const now = await runner.counts().catch(() => null);
    if (!now) return null;
    const before = this.#looks.get(runner)?.[0];
    const recent = before ? minus(now, before) : now;
    const shown = sum(recent.classes ?? recent.latencyUs) >= MIN_BASELINE ? recent : now;
    const { classes, scores, latencyUs, features } = shown;
    return {
      latencyUs: [...latencyUs],
      ...(classes ? { classes: [...classes] } : {}),
      ...(scores ? { scores: [...scores] } : {}),
      ...qualityOf(features),
    };
  }

  async #model({ state, runner }: TelemetrySource, nowMs: number): Promise<ModelTelemetry> {
    const running = runningOf(state);
    // The router starts counting anew when a release becomes active again.
    for (const key of this.#lastRoute.keys()) {
      if (key.startsWith(`${state.model} `) && key !== `${state.model} ${running?.digest}`) {
        this.#lastRoute.delete(key);
      }
    }
    const route = running ? this.#routeDelta(state.model, running.digest) : null;
    const counts = runner ? await this.#runnerDelta(runner) : null;
    return {
      model: state.model,
      phase: state.phase,
      ...(running ? { running } : {}),
      isCommitted: running !== undefined && running.digest === state.committed?.digest,
      answers: route?.answers ?? 0,
      failures: route?.failures ?? 0,
      rejected: route?.rejected ?? 0,
      fallbacks: route?.fallbacks ?? 0,
      runnerRestarts: route?.runnerExits ?? 0,
      ...(runner?.provider ? { provider: providerOf(runner.provider) } : {}),
      latencyUs: [...(counts?.latencyUs ?? NO_LATENCY)],
      ...(counts?.degraded ? { degraded: counts.degraded } : {}),
      features: (counts?.features ?? []).map(({ violations, ...feature }) => ({
        ...feature,
        bins: [...feature.bins],
        ...(violations ? { violations: { ...violations } } : {}),
      })),
      ...(counts?.psi?.length ? { psi: counts.psi.map((one) => ({ ...one })) } : {}),
      ...(counts?.alarms?.length ? { alarms: counts.alarms.map((alarm) => datedAlarm(alarm, nowMs)) } : {}),
      ...(counts?.classes ? { classes: [...counts.classes] } : {}),
      ...(counts?.confidence ? { confidence: [...counts.confidence] } : {}),
    };
  }

  #routeDelta(model: string, digest: string): RouteCounts {
    const key = `${model} ${digest}`;
    const now = this.#router.counts(model, digest);
    const last = this.#lastRoute.get(key);
    this.#lastRoute.set(key, now);
    if (!last || now.answers < last.answers || now.failures < last.failures) return now;
    return {
      answers: now.answers - last.answers,
      failures: now.failures - last.failures,
      rejected: Math.max(0, now.rejected - last.rejected),
      fallbacks: Math.max(0, now.fallbacks - last.fallbacks),
      runnerExits: Math.max(0, now.runnerExits - last.runnerExits),
    };
  }

  async #runnerDelta(runner: Runner): Promise<RunnerCounts | null> {
    const now = await runner.counts().catch(() => null);
    if (!now) return null;
    const looks = this.#looks.get(runner) ?? [];
    const last = looks.at(-1);
    this.#looks.set(runner, [...looks.slice(-1), now]);
    return last ? minus(now, last) : now;
  }
}

const datedAlarm = ({ ageMs, ...alarm }: RunnerAlarm, nowMs: number): WatchAlarm => ({
  ...alarm,
  sinceMs: Math.max(0, nowMs - ageMs),
});

const providerOf = ({
  asked,
  active,
  reason,
  nodes,
}: Runner['provider']): Static<typeof ProviderTelemetry> => ({
  asked: [...asked],
  active,
  reason,
  ...(nodes ? { nodes: { ...nodes } } : {}),
});

function minus(now: RunnerCounts, last: RunnerCounts): RunnerCounts {
  const bins = (a: readonly number[], b: readonly number[] | undefined): number[] =>
    a.map((count, i) => Math.max(0, count - (b?.[i] ?? 0)));
  return {
    answers: now.answers - last.answers,
    failures: now.failures - last.failures,
    rejected: now.rejected - last.rejected,
    nonFiniteOutputs: now.nonFiniteOutputs - last.nonFiniteOutputs,
    ...(now.degraded === undefined ? {} : { degraded: now.degraded - (last.degraded ?? 0) }),
    latencyUs: bins(now.latencyUs, last.latencyUs),
    features: now.features.map((feature, i) => {
      const before = last.features[i];
      return {
        name: feature.name,
        bins: bins(feature.bins, before?.bins),
        missing: feature.missing - (before?.missing ?? 0),
        nonFinite: feature.nonFinite - (before?.nonFinite ?? 0),
        outOfRange: feature.outOfRange - (before?.outOfRange ?? 0),
        ...(feature.violations
          ? {
              violations: eachViolation(
                (of) => (feature.violations?.[of] ?? 0) - (before?.violations?.[of] ?? 0),
              ),
            }
          : {}),
      };
    }),
    ...(now.psi ? { psi: now.psi } : {}),
    ...(now.alarms ? { alarms: now.alarms } : {}),
    ...(now.classes ? { classes: bins(now.classes, last.classes) } : {}),
    ...(now.confidence ? { confidence: bins(now.confidence, last.confidence) } : {}),
    ...(now.scores ? { scores: bins(now.scores, last.scores) } : {}),
    rssBytes: now.rssBytes,
  };
}

const eachViolation = (count: (of: Violation) => number): Record<Violation, number> =>
  Object.fromEntries(VIOLATIONS.map((of) => [of, count(of)])) as Record<Violation, number>;

/** How many watched values there were, and how many of them were missing, not finite or out of range. */
export function qualityOf(features: RunnerCounts['features']): { values: number; badValues: number } {
  let values = 0;
  let badValues = 0;
  for (const { bins, missing, nonFinite, outOfRange } of features) {
    values += sum(bins) + missing + nonFinite;
    badValues += missing + nonFinite + outOfRange;
  }
  return { values, badValues };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
