import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import { gTest } from '@ringfleet/shared/stats';
import type { Baseline } from './update-state.ts';

/** What this device saw of the candidate since it went live. */
export interface SoakEvidence {
  readonly soakedMs: number;
  readonly answers: number;
  /** Failures on schema-valid, finite input only (DESIGN §6 "Whose fault"). */
  readonly failures: number;
  readonly fallbacks: number;
  readonly nonFiniteOutputs: number;
  /** Set when the candidate's process died by itself or was killed at the execution limit. */
  readonly exit: { readonly code: string; readonly message: string } | null;
  readonly classes?: readonly number[];
  /** Confidence of the best class in equal bins of [0, 1]. */
  readonly scores?: readonly number[];
  /** Watched values, and those that were missing, not finite or out of range. */
  readonly values?: number;
  readonly badValues?: number;
  readonly latencyUs: readonly number[];
}

export interface SoakLimits {
  readonly soakMs: number;
  readonly minInferences: number;
  readonly deadlineMs: number;
  /** The manifest's execution limit. */
  readonly inferMs: number;
}

export type SoakVerdict =
  | { readonly verdict: 'continue' }
  | { readonly verdict: 'commit'; readonly isUnexercised: boolean; readonly sentence: string }
  | { readonly verdict: 'fail'; readonly code: string; readonly sentence: string };

const MAX_FAILURE_RATIO = 0.05;
const MIN_FAILURE_SAMPLE = 20;
const MIN_CLASS_SAMPLE = 200;
/** Looked at again and again during a soak, so the level of one look is strict. */
const CLASS_LEVEL = 1e-6;
/** A difference smaller than this share of answers is not worth a rollback, however certain it is. */
const MIN_CLASS_DISTANCE = 0.05;
/** More samples than this only make harmless differences of the stream significant. */
const MAX_CLASS_SAMPLE = 5_000;
/** A fall of the mean confidence that no harmless retraining brings. */
const MIN_SCORE_FALL = 0.2;
const MAX_BAD_SHARE_RISE = 0.1;
const MIN_LATENCY_SAMPLE = 50;
const LATENCY_FACTOR = 8;

/** Hard evidence fails at once; commit needs soak time and inferences; at the deadline it commits, marked unexercised. */
export function judgeSoak(
  evidence: SoakEvidence,
  baseline: Baseline | null,
  limits: SoakLimits,
): SoakVerdict {
  return (
    hardEvidence(evidence) ??
    (hasOtherInputs(evidence, baseline)
      ? null
      : (shiftedClasses(evidence, baseline) ?? fallenScores(evidence, baseline))) ??
    slow(evidence, baseline, limits) ??
    ripe(evidence, limits, hasOtherInputs(evidence, baseline))
  );
}

function ripe(evidence: SoakEvidence, limits: SoakLimits, isOther: boolean): SoakVerdict {
  const { soakedMs, answers, failures } = evidence;
  const isExercised = answers >= limits.minInferences;
  const quality = isOther ? '; its inputs are worse than before, so its outputs were not compared' : '';
  const sentence = `${answers} answers, ${failures} failures in ${Math.round(soakedMs / 1000)} s${quality}`;
  if (soakedMs >= limits.soakMs && isExercised) return { verdict: 'commit', isUnexercised: false, sentence };
  if (soakedMs >= limits.deadlineMs) return { verdict: 'commit', isUnexercised: !isExercised, sentence };
  return { verdict: 'continue' };
}

function hardEvidence(evidence: SoakEvidence): SoakVerdict | null {
  const { exit, nonFiniteOutputs, failures, answers } = evidence;
  if (exit) return { verdict: 'fail', code: exit.code, sentence: exit.message };
  if (nonFiniteOutputs > 0) {
    return {
      verdict: 'fail',
      code: 'SOAK_NON_FINITE',
      sentence: `${nonFiniteOutputs} outputs were NaN or infinite on finite input`,
    };
  }
  const sample = answers + failures;
  if (sample < MIN_FAILURE_SAMPLE || failures <= MAX_FAILURE_RATIO * sample) return null;
  const sentence = `${failures} of ${sample} valid requests failed, allowed are ${MAX_FAILURE_RATIO * 100} %`;
  return { verdict: 'fail', code: 'SOAK_FAILURES', sentence };
}

function shiftedClasses(evidence: SoakEvidence, baseline: Baseline | null): SoakVerdict | null {
  const before = baseline?.classes;
  const after = evidence.classes;
  if (!before || !after || before.length !== after.length) return null;
  if (sum(before) < MIN_CLASS_SAMPLE || sum(after) < MIN_CLASS_SAMPLE) return null;
  const distance = totalVariation(before, after);
  if (distance < MIN_CLASS_DISTANCE) return null;
  const { g, df, pValue } = gTest(capped(before), capped(after));
  if (!(pValue < CLASS_LEVEL)) return null;
  const sentence =
    `predicted classes moved by ${(distance * 100).toFixed(1)} % of answers against the release before ` +
    `(G = ${g.toFixed(1)}, df ${df}, p < ${CLASS_LEVEL}, ${sum(after)} answers)`;
  return { verdict: 'fail', code: 'SOAK_CLASSES_SHIFTED', sentence };
}

/**
 * Inputs that went bad with the switch or after it explain other outputs: that is the world, not the release. A release
 * is never judged by its outputs on them.
 */
function hasOtherInputs(evidence: SoakEvidence, baseline: Baseline | null): boolean {
  const { values = 0, badValues = 0 } = evidence;
  if (values < MIN_CLASS_SAMPLE || !baseline?.values) return false;
  return badValues / values - (baseline.badValues ?? 0) / baseline.values > MAX_BAD_SHARE_RISE;
}

/** Surer is fine; far less sure on the same stream is not. */
function fallenScores(evidence: SoakEvidence, baseline: Baseline | null): SoakVerdict | null {
  const before = baseline?.scores;
  const after = evidence.scores;
  if (!before || !after || before.length !== after.length) return null;
  if (sum(before) < MIN_CLASS_SAMPLE || sum(after) < MIN_CLASS_SAMPLE) return null;
  const [was, is] = [meanScore(before), meanScore(after)];
  if (was - is < MIN_SCORE_FALL) return null;
  const { pValue } = gTest(capped(before), capped(after));
  if (!(pValue < CLASS_LEVEL)) return null;
  const sentence = `mean confidence fell from ${was.toFixed(2)} to ${is.toFixed(2)} (p < ${CLASS_LEVEL}, ${sum(after)} answers)`;
  return { verdict: 'fail', code: 'SOAK_SCORES_FELL', sentence };
}

const meanScore = (bins: readonly number[]): number =>
  bins.reduce((total, count, i) => total + (count * (i + 0.5)) / bins.length, 0) / sum(bins);

function slow(evidence: SoakEvidence, baseline: Baseline | null, limits: SoakLimits): SoakVerdict | null {
  if (
    !baseline ||
    sum(evidence.latencyUs) < MIN_LATENCY_SAMPLE ||
    sum(baseline.latencyUs) < MIN_LATENCY_SAMPLE
  ) {
    return null;
  }
  const before = medianUs(baseline.latencyUs);
  const after = medianUs(evidence.latencyUs);
  if (after <= LATENCY_FACTOR * before || after <= (limits.inferMs * 1000) / 2) return null;
  const sentence = `median latency is ${after / 1000} ms, was ${before / 1000} ms; the execution limit is ${limits.inferMs} ms`;
  return { verdict: 'fail', code: 'SOAK_LATENCY', sentence };
}

/** Upper bound of the bin that holds the median. */
function medianUs(bins: readonly number[]): number {
  const half = sum(bins) / 2;
  let seen = 0;
  for (const [i, count] of bins.entries()) {
    seen += count;
    if (seen >= half) return LATENCY_BOUNDS_US[i] ?? Number.POSITIVE_INFINITY;
  }
  return 0;
}

function totalVariation(a: readonly number[], b: readonly number[]): number {
  const [n, m] = [sum(a), sum(b)];
  return a.reduce((total, count, i) => total + Math.abs(count / n - (b[i] ?? 0) / m), 0) / 2;
}

function capped(counts: readonly number[]): readonly number[] {
  const scale = Math.min(1, MAX_CLASS_SAMPLE / sum(counts));
  return scale === 1 ? counts : counts.map((count) => Math.round(count * scale));
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
