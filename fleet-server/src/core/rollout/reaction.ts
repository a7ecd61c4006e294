import type { GateResult, RolloutRing } from '../domain.ts';
import { listed } from '../wording.ts';
import { rollbackOf } from './assign-ring.ts';
import type { Draft } from './draft.ts';

/**
 * What a failed gate does: pause, roll its ring back, or roll back every ring that was opened. Later rings stay
 * untouched; what runs on devices finishes or falls back there by itself.
 */
export function react(
  draft: Draft,
  index: number,
  gate: GateResult,
  yanked: ReadonlySet<string>,
  nowMs: number,
): void {
  const { plan } = draft.ring(index);
  const { version } = draft.rollout;
  const why = `Ring ${plan.ring} stopped ${version}: ${gate.sentence}`;
  if (plan.onFailure === 'pause') {
    // Once per failure: two rings that failed for different reasons would otherwise overwrite each other for ever.
    if (draft.ring(index).state === 'failed') return;
    draft.setRing(index, { state: 'failed' });
    draft.pause(gate.code, why, { ring: plan.ring, counts: gate.counts });
    return;
  }
  const chosen = plan.onFailure === 'rollbackAll' ? openedRings(draft) : [index];
  const reason = `${why} ${goingBack(
    chosen.map((i) => draft.ring(i)),
    yanked,
  )}`;
  rollBack(draft, chosen, yanked, nowMs);
  draft.set({ state: 'halted', reasonCode: gate.code, reason, endedAtMs: nowMs });
  draft.say('ROLLOUT_HALTED', reason, { ring: plan.ring, reasonCode: gate.code, counts: gate.counts });
}

/** Gives these rings back what they ran before. */
export function rollBack(
  draft: Draft,
  indexes: readonly number[],
  yanked: ReadonlySet<string>,
  nowMs: number,
): void {
  const rings = indexes.map((index) => draft.ring(index));
  draft.assign(rollbackOf(draft.rollout, rings, yanked));
  for (const index of indexes) {
    const stays = yanked.has(draft.ring(index).previous?.version ?? '');
    draft.setRing(index, { state: stays ? 'failed' : 'rolledBack', closedAtMs: nowMs });
  }
}

/** Indexes of the rings that run the release of this rollout. */
export const openedRings = (draft: Draft): readonly number[] =>
  draft.rollout.rings.flatMap(({ state }, index) =>
    state === 'waiting' || state === 'rolledBack' ? [] : [index],
  );

/** `Ring canary goes back to 1.1.0.` */
export function goingBack(rings: readonly RolloutRing[], yanked: ReadonlySet<string>): string {
  if (rings.length === 0) return 'No ring runs it.';
  const stuck = rings.find(({ previous }) => previous && yanked.has(previous.version));
  if (stuck)
    return `Ring ${stuck.plan.ring} cannot go back: ${stuck.previous?.version} was yanked. Assign it another release.`;
  const parts = rings.map(({ plan, previous }) =>
    previous ? `${plan.ring} to ${previous.version}` : `${plan.ring} to nothing (it ran none before)`,
  );
  return `${rings.length === 1 ? 'Goes' : 'Go'} back: ${listed(parts, 10)}.`;
}
