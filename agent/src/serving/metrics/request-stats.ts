import { codeOf, lookUpCode } from '@ringfleet/shared/errors';
import { DurationHistogram } from './histogram.ts';

/**
 * Why a request failed, in Triton's words and one of our own: REJECTED never ran (queue, deadline, no runner), CANCELED
 * was given up by its caller, INVALID was the request's own fault, BACKEND the release's, OTHER ours.
 */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'INVALID' | 'BACKEND' | 'OTHER';

/** Versions of one model that keep their series; a device runs two, and sees a few more in an unlucky week. */
const MAX_VERSIONS = 4;

/** What one version of a model did since the agent first routed it. All of it grows only. */
export class VersionStats {
  readonly failures: Record<FailureReason, number> = {
    REJECTED: 0,
    CANCELED: 0,
    INVALID: 0,
    BACKEND: 0,
    OTHER: 0,
  };
  /** Answers that were marked because a value broke its feature's schema. */
  degraded = 0;
  failureUs = 0;
  lastMs = 0;
  /** Successful requests, from the router to the answer. */
  readonly request = new DurationHistogram();
  /** Of those, the wait before the runner could begin. */
  readonly queue = new DurationHistogram();
  /** Of those, the time inside the runtime. */
  readonly compute = new DurationHistogram();
}

export interface Success {
  readonly totalUs: number;
  readonly queueUs: number;
  readonly computeUs: number;
  readonly nowMs: number;
}

/** Requests of one model, counted where both protocols meet. */
export class ModelStats {
  /** Requests that have no answer yet. */
  pending = 0;
  readonly #versions = new Map<string, VersionStats>();

  versions(): ReadonlyMap<string, VersionStats> {
    return this.#versions;
  }

  of(version: string): VersionStats {
    let stats = this.#versions.get(version);
    if (!stats) {
      stats = new VersionStats();
      this.#versions.set(version, stats);
      for (const old of this.#versions.keys()) {
        if (this.#versions.size <= MAX_VERSIONS) break;
        this.#versions.delete(old);
      }
    }
    return stats;
  }

  succeeded(version: string, { totalUs, queueUs, computeUs, nowMs }: Success): void {
    const stats = this.of(version);
    stats.request.observe(totalUs);
    stats.queue.observe(queueUs);
    stats.compute.observe(computeUs);
    stats.lastMs = nowMs;
  }

  failed(version: string, reason: FailureReason, totalUs: number, nowMs: number): void {
    const stats = this.of(version);
    stats.failures[reason] += 1;
    stats.failureUs += totalUs;
    stats.lastMs = nowMs;
  }
}

/** The reason of something thrown on the way to a runner. */
export function reasonOf(err: unknown, signal: AbortSignal): FailureReason {
  const code = codeOf(err, 'SERVING_INTERNAL');
  const isOver = code === 'ABORTED' && codeOf(signal.reason, code) === 'DEADLINE_EXCEEDED';
  return reasonOfCode(isOver ? 'DEADLINE_EXCEEDED' : code);
}

/** The reason behind a code that a caller was told. */
export function reasonOfCode(code: string): FailureReason {
  switch (code) {
    case 'ABORTED':
      return 'CANCELED';
    case 'DEADLINE_EXCEEDED':
    case 'QUEUE_FULL':
    case 'MODEL_EMPTY':
      return 'REJECTED';
    case 'RUNNER_GONE':
      return 'BACKEND';
    default:
      return REASONS[lookUpCode(code)?.class ?? ''] ?? 'OTHER';
  }
}

const REASONS: Readonly<Record<string, FailureReason>> = { INPUT: 'INVALID', RELEASE: 'BACKEND' };
