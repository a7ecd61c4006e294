import { lookUpCode } from '@ringfleet/shared/errors';
import { judgeSoak, type SoakEvidence } from '../core/soak.ts';
import type { Work } from '../core/update-effects.ts';
import type { Evidence, UpdateEvent } from '../core/update-machine.ts';
import { keyOf } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Router } from '../ports/router.ts';
import type { Runner, RunnerExit } from '../ports/runtime.ts';
import { qualityOf } from './telemetry.ts';

const LOOK_MS = 500;

export interface SoakOptions {
  readonly model: string;
  readonly router: Router;
  readonly clock: Clock;
  /** The candidate's runner while it lives. */
  readonly runner: () => Runner | null;
  /** How the candidate's runner ended, once it did. */
  readonly exit: () => RunnerExit | null;
  /** Resolves early when there is something new to look at. */
  readonly nudged: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Watches a release that just went live until the evidence is in. Null when aborted. */
export async function soak(
  work: Extract<Work, { type: 'soak' }>,
  options: SoakOptions,
  signal: AbortSignal,
): Promise<UpdateEvent | null> {
  const { job, candidate, baseline, sinceMs } = work;
  const key = keyOf(job);
  while (!signal.aborted) {
    const nowMs = options.clock.nowMs();
    const evidence = await look(candidate.digest, options, Math.max(0, nowMs - sinceMs));
    const limits = {
      soakMs: job.soakMs,
      minInferences: job.minInferences,
      deadlineMs: job.soakDeadlineMs,
      inferMs: options.runner()?.spec.manifest.limits.inferMs ?? Number.POSITIVE_INFINITY,
    };
    const verdict = judgeSoak(evidence, baseline, limits);
    if (verdict.verdict === 'fail') {
      const { code, sentence: reason } = verdict;
      return { type: 'failed', key, code, reason, evidence: reported(evidence, reason), nowMs };
    }
    if (verdict.verdict === 'commit') {
      const { isUnexercised, sentence } = verdict;
      return { type: 'soakPassed', key, isUnexercised, evidence: reported(evidence, sentence), nowMs };
    }
    await options.nudged(LOOK_MS, signal);
  }
  return null;
}

async function look(digest: string, options: SoakOptions, soakedMs: number): Promise<SoakEvidence> {
  const { answers, failures, fallbacks } = options.router.counts(options.model, digest);
  // A runner that is just going cannot count any more; its exit is the evidence then.
  const counts = await options
    .runner()
    ?.counts()
    .catch(() => null);
  const exit = options.exit();
  return {
    soakedMs,
    answers,
    failures,
    fallbacks,
    nonFiniteOutputs: counts?.nonFiniteOutputs ?? 0,
    exit: exit ? { code: exit.code, message: withMeaning(exit) } : null,
    ...(counts?.classes ? { classes: counts.classes } : {}),
    ...(counts?.scores ? { scores: counts.scores } : {}),
    ...(counts ? qualityOf(counts.features) : {}),
    latencyUs: counts?.latencyUs ?? [],
  };
}

/** A runner's last words say how it ended; the catalogue says what that means. */
function withMeaning({ code, message }: RunnerExit): string {
  const meaning = lookUpCode(code)?.sentence;
  return meaning ? `${meaning} ${message}` : message;
}

const reported = (evidence: SoakEvidence, sentence: string): Evidence => {
  const { answers, failures, fallbacks, soakedMs } = evidence;
  return { answers, failures, fallbacks, soakedMs, sentence: sentence.slice(0, 1000) };
};
