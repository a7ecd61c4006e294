import { CodedError } from '@ringfleet/shared/errors';
import type { Router } from '../ports/router.ts';
import type { InferCall, Runner } from '../ports/runtime.ts';
import { type FallbackPolicy, WAIT } from './fallback-policy.ts';
import { InFlight } from './in-flight.ts';
import { ModelStats, reasonOf } from './metrics/request-stats.ts';
import { ModelRoute, type Routed } from './model-route.ts';

export type { Answerer, Routed } from './model-route.ts';

export interface RoutedRequest {
  readonly model: string;
  /** `active` or none, `previous`, or an exact version, which then nobody else answers. */
  readonly version?: string;
  readonly call: InferCall;
  /** Aborted when the caller is gone or its time is over. */
  readonly signal: AbortSignal;
}

export interface RouteView {
  readonly model: string;
  /** Absent while the model is empty. */
  readonly active?: Runner;
  readonly previous?: Runner;
  /** Whether a request would be answered now. */
  readonly isReady: boolean;
}

/** The router with the side that the servers use. */
export interface ServingRouter extends Router {
  /** Exactly one answer per request. Throws MODEL_UNKNOWN, MODEL_EMPTY, QUEUE_FULL, RUNNER_GONE or ABORTED. */
  answer(request: RoutedRequest): Promise<Routed>;
  /** Undefined for a model that is not assigned. */
  view(model: string): RouteView | undefined;
  models(): readonly string[];
  /** Undefined for a model that is not assigned. */
  stats(model: string): ModelStats | undefined;
}

/** `policyOf` says what answers for a model while it has no runner. */
export function createRouter(policyOf: (model: string) => FallbackPolicy = () => WAIT): ServingRouter {
  const routes = new Map<string, ModelRoute>();
  const inFlight = new InFlight();
  const stats = new Map<string, ModelStats>();

  const routeOf = (model: string): ModelRoute => {
    const route = routes.get(model) ?? new ModelRoute(inFlight, policyOf(model));
    routes.set(model, route);
    if (!stats.has(model)) stats.set(model, new ModelStats());
    return route;
  };

  return {
    route: (model, active, fallback) => routeOf(model).set(active, fallback),
    clear: (model) => routeOf(model).set(undefined, undefined),
    pause: (model) => routes.get(model)?.pause(),
    mirror: (model, mirror) => {
      const route = routes.get(model);
      if (route) route.mirror = mirror;
    },
    forget: (model) => {
      routes.get(model)?.set(undefined, undefined);
      routes.delete(model);
      stats.delete(model);
    },
    counts: (model, digest) => (routes.get(model) ?? new ModelRoute(inFlight)).counts.of(digest),
    drained: (runner, timeoutMs) => inFlight.drained(runner, timeoutMs),
    answer: async ({ model, version, call, signal }) => {
      const route = routes.get(model);
      if (!route) throw new CodedError('MODEL_UNKNOWN', `no model ${model} is assigned to this device`);
      const ask = (): Promise<Routed> =>
        version === undefined || version === 'active'
          ? route.answer(call, signal)
          : route.ask(runnerOf(route, model, version), call, signal);
      return counted(stats.get(model) ?? new ModelStats(), route, signal, ask);
    },
    view: (model) => {
      const route = routes.get(model);
      if (!route) return undefined;
      const { active, fallback: previous } = route;
      const isReady = route.isAlive(active) || route.isAlive(previous);
      return { model, isReady, ...(active ? { active } : {}), ...(previous ? { previous } : {}) };
    },
    models: () => [...routes.keys()],
    stats: (model) => stats.get(model),
  };
}

/** One request, counted for the version that answered, or for the active one where none did. */
async function counted(
  stats: ModelStats,
  route: ModelRoute,
  signal: AbortSignal,
  ask: () => Promise<Routed>,
): Promise<Routed> {
  const startedAt = performance.now();
  const asked = route.active?.spec.version ?? '';
  const totalUs = (): number => (performance.now() - startedAt) * 1000;
  stats.pending += 1;
  try {
    const routed = await ask();
    const { reply, runner } = routed;
    const { version } = runner.spec;
    if (reply.ok) {
      const { computeUs, queueUs = 0 } = reply;
      if (reply.degraded !== undefined) stats.of(version).degraded += 1;
      stats.succeeded(version, { totalUs: totalUs(), queueUs, computeUs, nowMs: Date.now() });
    } else {
      stats.failed(version, reply.fault === 'client' ? 'INVALID' : 'BACKEND', totalUs(), Date.now());
    }
    return routed;
  } catch (err) {
    stats.failed(asked, reasonOf(err, signal), totalUs(), Date.now());
    throw err;
  } finally {
    stats.pending -= 1;
  }
}

function runnerOf(route: ModelRoute, model: string, version: string): Runner {
  const { active, fallback } = route;
  if (!active) throw new CodedError('MODEL_EMPTY');
  const runner =
    version === 'previous'
      ? fallback
      : [active, fallback].find((candidate) => candidate?.spec.version === version);
  if (!runner) throw new CodedError('MODEL_UNKNOWN', `${model} has no version ${version} on this device now`);
  return runner;
}
