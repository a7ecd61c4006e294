import type { GateResult } from '../domain.ts';
import { formatDuration } from '../duration.ts';
import { takeCensus } from './census.ts';
import type { Draft } from './draft.ts';
import { evaluateGate } from './gate.ts';
import { react } from './reaction.ts';
import type { Snapshot } from './snapshot.ts';

/** Asks the gate of one opened ring, remembers its answer, and draws the consequence. */
export function judgeRing(draft: Draft, index: number, snapshot: Snapshot, nowMs: number): void {
  const ring = draft.ring(index);
  if (ring.state === 'rolledBack') return;
  const census = takeCensus(snapshot, ring);
  const { gate, bakingSinceMs } = evaluateGate({
    plan: ring.plan,
    census,
    bakingSinceMs: ring.bakingSinceMs ?? null,
    isApproved: (ring.approvedBy ?? null) !== null,
    nowMs,
  });
  if (gate.verdict === 'FAIL') {
    remember(draft, index, gate, bakingSinceMs);
    react(draft, index, gate, snapshot.yanked, nowMs);
  } else if (ring.state === 'passed' && bakingSinceMs !== null) {
    // A passed gate keeps its verdict; stragglers that converge only change what it counts.
    const { counts, claim } = gate;
    if (ring.gate) remember(draft, index, { ...ring.gate, counts, claim }, bakingSinceMs);
  } else if (ring.state === 'passed') {
    remember(draft, index, gate, null);
    draft.setRing(index, { state: 'open', closedAtMs: null, deadlineFromMs: nowMs });
    const sentence = `The gate of ring ${ring.plan.ring} is open again: ${gate.sentence}`;
    draft.say('ROLLOUT_RING_REOPENED', sentence, { ring: ring.plan.ring, code: gate.code });
  } else {
    remember(draft, index, gate, bakingSinceMs);
    if (draft.rollout.state === 'running') decide(draft, index, gate, nowMs);
  }
}

function decide(draft: Draft, index: number, gate: GateResult, nowMs: number): void {
  const { plan, openedAtMs, deadlineFromMs } = draft.ring(index);
  const { ring } = plan;
  if (gate.verdict === 'PASS') {
    draft.setRing(index, { state: 'passed', closedAtMs: nowMs });
    const sentence = `Ring ${ring} passed: ${gate.sentence} ${gate.claim}`;
    draft.say('ROLLOUT_RING_PASSED', sentence, { ring, counts: gate.counts });
  } else if (gate.code === 'GATE_OUR_SIDE') {
    draft.pause('ROLLOUT_OUR_SIDE', `Ring ${ring}: ${gate.sentence}`, { ring });
  } else if (gate.code === 'GATE_TOO_FEW_COMPATIBLE') {
    draft.pause('ROLLOUT_TOO_FEW_COMPATIBLE', `Ring ${ring}: ${gate.sentence}`, { ring });
  } else if (nowMs - (deadlineFromMs ?? openedAtMs ?? nowMs) >= plan.deadlineMs) {
    const reason = `Ring ${ring} came to no verdict within ${formatDuration(plan.deadlineMs)}: ${gate.sentence}`;
    draft.pause('ROLLOUT_GATE_DEADLINE', reason, { ring, code: gate.code });
  }
}

/** Nothing is written while nothing changed: an idle rollout costs no transaction per tick. */
function remember(draft: Draft, index: number, gate: GateResult, bakingSinceMs: number | null): void {
  const { gate: before, bakingSinceMs: baked, plan, state } = draft.ring(index);
  if (before && isSame(before, gate) && (baked ?? null) === bakingSinceMs) return;
  draft.setRing(index, { gate, bakingSinceMs });
  if (before?.code === gate.code || state === 'passed' || gate.verdict !== 'INCONCLUSIVE') return;
  const { code, verdict, sentence, counts } = gate;
  draft.say('ROLLOUT_GATE', `Ring ${plan.ring}: ${sentence}`, { ring: plan.ring, code, verdict, counts });
}

function isSame(a: GateResult, b: GateResult): boolean {
  if (a.code !== b.code || a.sentence !== b.sentence || a.claim !== b.claim) return false;
  return (Object.keys(b.counts) as (keyof GateResult['counts'])[]).every((k) => a.counts[k] === b.counts[k]);
}
