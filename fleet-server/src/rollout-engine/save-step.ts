import type { Rollout } from '../core/domain.ts';
import type { Step } from '../core/rollout/snapshot.ts';
import type { Change, Stores } from '../ports/stores.ts';

/** Saves what a step decided in one transaction; 'unchanged' where it decided nothing. */
export async function saveStep(
  stores: Stores,
  before: Rollout,
  step: Step,
  change: Change,
): Promise<'saved' | 'stale' | 'unchanged'> {
  if (step.rollout === before) return 'unchanged';
  const { rollout, assignments, events, removals } = step;
  return stores.rollouts.save(rollout, assignments, events, change, removals);
}
