import type { GateResult, RingPlan } from '../domain.ts';
import { formatDuration } from '../duration.ts';
import { formatShare } from '../share.ts';
import { clause, count, listed } from '../wording.ts';
import type { Census, Member } from './census.ts';
import { claimOf } from './claim.ts';

export type GateCode =
  | 'GATE_PASSED'
  | 'GATE_TOO_MANY_FAILURES'
  | 'GATE_FAILURE_RATIO'
  | 'GATE_RING_EMPTY'
  | 'GATE_UNREACHED'
  | 'GATE_OUR_SIDE'
  | 'GATE_TOO_FEW_COMPATIBLE'
  | 'GATE_NEEDS_EXECUTED'
  | 'GATE_NEEDS_PROVEN'
  | 'GATE_NEEDS_EXERCISED'
  | 'GATE_BAKING'
  | 'GATE_SILENT'
  | 'GATE_NEEDS_APPROVAL';

export interface GateQuestion {
  readonly plan: RingPlan;
  readonly census: Census;
  /** Since when everything but bake and approval has been fulfilled; null: it was not at the last look. */
  readonly bakingSinceMs: number | null;
  readonly isApproved: boolean;
  readonly nowMs: number;
}

export interface GateAnswer {
  readonly gate: GateResult;
  /** To be handed in again next time: the bake starts anew whenever the evidence breaks. */
  readonly bakingSinceMs: number | null;
}

/**
 * The question between two rings. FAIL on too many failures or on their ratio, PASS only on evidence, otherwise
 * INCONCLUSIVE: missing data never promotes and never rolls back. Failures that a person has acknowledged stay in all
 * counts; they stop the rollout again only together with a new one.
 */
export function evaluateGate(question: GateQuestion): GateAnswer {
  const { plan, census, nowMs } = question;
  const failed = failing(plan, census);
  const lacking = failed ?? missing(plan, census);
  const bakingSinceMs = lacking ? null : (question.bakingSinceMs ?? nowMs);
  const [code, sentence] = lacking ??
    unfinished(question, bakingSinceMs ?? nowMs) ?? ['GATE_PASSED', passed(question)];
  const verdict = failed ? 'FAIL' : code === 'GATE_PASSED' ? 'PASS' : 'INCONCLUSIVE';
  const { counts } = census;
  return { gate: { verdict, code, sentence, counts, claim: claimOf(counts), atMs: nowMs }, bakingSinceMs };
}

/** Devices that a gate needs at least; nothing passes on no evidence at all, whatever the plan says. */
export const neededProven = (plan: RingPlan): number => Math.max(1, plan.minProven, plan.minExercised);

type Finding = readonly [code: GateCode, sentence: string];

function failing(plan: RingPlan, { counts, newFailures }: Census): Finding | null {
  if (newFailures.length === 0) return null;
  const because = reasons(newFailures);
  if (counts.failed > plan.maxFailures) {
    const sentence = `${counts.failed} of ${count(counts.members, 'device')} failed, the plan allows ${plan.maxFailures}: ${because}.`;
    return ['GATE_TOO_MANY_FAILURES', sentence];
  }
  // Whole numbers on both sides: no rounding decides about a release.
  const isAbove = counts.failed * 10_000 > plan.maxFailureBasisPoints * counts.executed;
  if (!isAbove || counts.executed < plan.minExecuted) return null;
  const sentence = `${counts.failed} of ${counts.executed} devices that ran it failed, the plan allows ${formatShare(plan.maxFailureBasisPoints)}: ${because}.`;
  return ['GATE_FAILURE_RATIO', sentence];
}

function missing(plan: RingPlan, { counts, members }: Census): Finding | null {
  const compatible = counts.members - counts.incompatible;
  const needed = neededProven(plan);
  const executed = Math.max(1, Math.min(plan.minExecuted, compatible));
  if (counts.members === 0)
    return ['GATE_RING_EMPTY', 'The ring has no devices; an empty ring proves nothing.'];
  if (compatible < needed) {
    const sentence = `${counts.incompatible} of ${count(counts.members, 'device')} cannot run it, which leaves ${compatible}; the plan needs ${needed}.`;
    return ['GATE_TOO_FEW_COMPATIBLE', sentence];
  }
  if (counts.infra > 0 && compatible - counts.infra < Math.max(needed, executed)) {
    const affected = members.filter((member) => member.standing === 'infra');
    return ['GATE_OUR_SIDE', `Not the release's fault, and it cannot go on like this: ${reasons(affected)}.`];
  }
  if (counts.executed === 0 && counts.unreached === compatible)
    return ['GATE_UNREACHED', `None of ${count(compatible, 'device')} has taken the release up yet.`];
  if (counts.executed < executed)
    return ['GATE_NEEDS_EXECUTED', `${counts.executed} of ${executed} needed devices have run it.`];
  if (counts.proven < Math.max(1, plan.minProven))
    return [
      'GATE_NEEDS_PROVEN',
      `${counts.proven} of ${Math.max(1, plan.minProven)} needed devices are proven.`,
    ];
  const exercised = Math.max(1, plan.minExercised);
  if (counts.exercised >= exercised) return null;
  const sentence = `${counts.exercised} of ${exercised} needed devices have answered enough requests with it; the others had no traffic.`;
  return ['GATE_NEEDS_EXERCISED', sentence];
}

function unfinished(question: GateQuestion, sinceMs: number): Finding | null {
  const { plan, census, isApproved, nowMs } = question;
  const proven = count(census.counts.proven, 'device');
  if (nowMs - sinceMs < plan.bakeMs)
    return ['GATE_BAKING', `${proven} proven; the ring bakes for ${formatDuration(plan.bakeMs)}.`];
  if (census.isSilent)
    return [
      'GATE_SILENT',
      `None of the ${proven} that proved it can be heard now; silence promotes nothing.`,
    ];
  if (plan.needsApproval && !isApproved)
    return ['GATE_NEEDS_APPROVAL', `${proven} proven; the plan asks for a person's approval.`];
  return null;
}

function passed({ plan, census: { counts } }: GateQuestion): string {
  const failures =
    counts.failed === 0
      ? 'none failed'
      : `${counts.failed} failed and ${counts.failed === 1 ? 'was' : 'were'} acknowledged or within the plan`;
  return `${counts.proven} of ${count(counts.members, 'device')} proven, ${failures}, baked for ${formatDuration(plan.bakeMs)}.`;
}

function reasons(members: readonly Member[]): string {
  return listed(
    members.map(({ device, failure }) =>
      failure ? `${device} ${failure.code} (${clause(failure.reason)})` : device,
    ),
    3,
  );
}
