import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import type { RingPlan, RolloutPlan, SoakPlan } from './domain.ts';
import { parseDuration } from './duration.ts';
import { requirePossible } from './plan-arithmetic.ts';
import { type RingSpec, RolloutPlanFile, RolloutPlanSpec, type SoakSpec } from './plan-schema.ts';
import { parseShare } from './share.ts';
import { mergedTerms, type Terms, termsFromSpec } from './terms.ts';

const HOUR_MS = 3_600_000;
const checkFile = checkerOf(RolloutPlanFile, 'the plan file', 'PLAN_INVALID');
const checkSpec = checkerOf(RolloutPlanSpec, 'the plan', 'PLAN_INVALID');

/** The parsed YAML or JSON of a plan file. Throws PLAN_INVALID naming the field. */
export const readPlanFile = (value: unknown): RolloutPlanFile => checkFile(value);

/**
 * The plan that a rollout keeps: every default filled in for the rings as large as they are now. Throws PLAN_INVALID,
 * RING_UNKNOWN, and PLAN_IMPOSSIBLE with the arithmetic where a gate could never pass.
 */
export function planFromSpec(spec: unknown, ringSizes: ReadonlyMap<string, number>): RolloutPlan {
  const { soak, rings, terms } = checkSpec(spec);
  const all = terms && termsFromSpec(terms, '/terms');
  const plan: RolloutPlan = {
    soak: soakFromSpec(soak ?? {}, '/soak'),
    rings: rings.map((ring, index) =>
      ringFromSpec(ring, sizeOf(ring.ring, ringSizes), all, `/rings/${index}`),
    ),
  };
  requireDifferent(plan.rings);
  requirePossible(plan, ringSizes);
  return plan;
}

/** Device-side soak with the product's defaults: 30 min and 100 inferences, deadline 24 h. Throws PLAN_INVALID. */
export function soakFromSpec(spec: SoakSpec, at: string): SoakPlan {
  return {
    soakMs: duration(spec.for, 0.5 * HOUR_MS, `${at}/for`),
    minInferences: spec.minInferences ?? 100,
    deadlineMs: duration(spec.deadline, 24 * HOUR_MS, `${at}/deadline`),
  };
}

function ringFromSpec(spec: RingSpec, size: number, all: Terms | undefined, at: string): RingPlan {
  const terms = mergedTerms(all, spec.terms && termsFromSpec(spec.terms, `${at}/terms`));
  const maxFailureBasisPoints = share(spec.maxFailureRatio ?? '5%', `${at}/maxFailureRatio`);
  return {
    ring: spec.ring,
    bakeMs: duration(spec.bake, HOUR_MS, `${at}/bake`),
    // Half of a small ring by default: one device that cannot run the release must not hold up all others.
    minProven: spec.minProven ?? Math.max(1, Math.min(20, Math.ceil(size / 2))),
    minExercised: spec.minExercised ?? 1,
    maxFailureBasisPoints,
    minExecuted: spec.minExecuted ?? Math.max(1, Math.min(20, size)),
    maxFailures: spec.maxFailures ?? Math.floor((size * maxFailureBasisPoints) / 10_000),
    deadlineMs: duration(spec.deadline, 7 * 24 * HOUR_MS, `${at}/deadline`),
    needsApproval: spec.approval ?? false,
    onFailure: spec.onFailure ?? 'rollbackRing',
    ...(terms ? { terms } : {}),
  };
}

function sizeOf(ring: string, sizes: ReadonlyMap<string, number>): number {
  const size = sizes.get(ring);
  if (size === undefined) throw new CodedError('RING_UNKNOWN', `The fleet has no ring ${ring}.`);
  return size;
}

function duration(text: string | undefined, fallbackMs: number, at: string): number {
  const ms = text === undefined ? fallbackMs : parseDuration(text);
  if (ms === null)
    throw new CodedError('PLAN_INVALID', `"${text}" is not a duration like 30m or 72h.`, { at });
  return ms;
}

function share(text: string, at: string): number {
  const basisPoints = parseShare(text);
  if (basisPoints === null)
    throw new CodedError('PLAN_INVALID', `"${text}" is not a share between 0% and 100%.`, { at });
  return basisPoints;
}

function requireDifferent(rings: readonly RingPlan[]): void {
  const twice = rings.findIndex(({ ring }, i) => rings.findIndex((other) => other.ring === ring) < i);
  if (twice < 0) return;
  throw new CodedError('PLAN_INVALID', `Ring ${rings[twice]?.ring} stands in the plan twice.`, {
    at: `/rings/${twice}/ring`,
  });
}
