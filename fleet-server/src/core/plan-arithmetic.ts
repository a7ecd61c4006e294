import { CodedError } from '@ringfleet/shared/errors';
import type { RolloutPlan } from './domain.ts';
import { formatDuration } from './duration.ts';
import { count } from './wording.ts';

/** Throws PLAN_IMPOSSIBLE, with the sum that does not work out, where a gate of the plan could never pass. */
export function requirePossible({ soak, rings }: RolloutPlan, ringSizes: ReadonlyMap<string, number>): void {
  if (soak.soakMs > soak.deadlineMs) {
    const sum = `soak for ${formatDuration(soak.soakMs)} > its deadline ${formatDuration(soak.deadlineMs)}`;
    throw impossible(`The devices could never commit: ${sum}.`, '/soak');
  }
  for (const [index, plan] of rings.entries()) {
    const size = ringSizes.get(plan.ring) ?? 0;
    for (const key of ['minProven', 'minExercised', 'minExecuted'] as const) {
      const needed = Math.max(1, plan[key]);
      if (needed <= size) continue;
      const sum = `${key} ${needed} > ${count(size, 'device')} in the ring`;
      throw impossible(`Ring ${plan.ring} could never pass: ${sum}.`, `/rings/${index}/${key}`);
    }
    if (soak.soakMs + plan.bakeMs <= plan.deadlineMs) continue;
    const sum = `soak ${formatDuration(soak.soakMs)} + bake ${formatDuration(plan.bakeMs)} > deadline ${formatDuration(plan.deadlineMs)}`;
    throw impossible(`Ring ${plan.ring} could never pass: ${sum}.`, `/rings/${index}/deadline`);
  }
}

const impossible = (message: string, at: string): CodedError =>
  new CodedError('PLAN_IMPOSSIBLE', message, { at });
