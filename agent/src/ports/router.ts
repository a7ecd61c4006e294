import type { InferCall, InferReply, Runner } from './runtime.ts';

/** Is shown what the active release answered. Returns at once and never throws. */
export type Mirror = (call: InferCall, reply: Extract<InferReply, { ok: true }>) => void;

/** Per release since it became active; what soak and heartbeat read. All of them grow only. */
export interface RouteCounts {
  readonly answers: number;
  /** Failures on schema-valid, finite input, runner deaths included. */
  readonly failures: number;
  readonly rejected: number;
  /** Requests of this release that the previous one answered within the caller's time. */
  readonly fallbacks: number;
  readonly runnerExits: number;
}

/**
 * Who answers a model's requests. All changes are atomic between two requests: no request fails by a switch and none
 * is answered twice. The router owns no process; it never starts or stops a runner.
 */
export interface Router {
  /** `fallback` stays loaded while a release soaks: it answers what the active runner cannot. */
  route(model: string, active: Runner, fallback?: Runner): void;
  /** The model is known but empty: V2 answers 503 MODEL_EMPTY. */
  clear(model: string): void;
  /** Who answers now is about to be ended, for a moment: requests wait as they do for a restart. */
  pause(model: string): void;
  /** The model is not assigned any more: V2 answers 404. */
  forget(model: string): void;
  /** Shows every answer of the active release to `mirror`, or to nobody; the caller never waits for it. */
  mirror(model: string, mirror: Mirror | null): void;
  counts(model: string, digest: string): RouteCounts;
  /** Resolves when no request is in flight on this runner, or when the time is over. */
  drained(runner: Runner, timeoutMs: number): Promise<void>;
}
