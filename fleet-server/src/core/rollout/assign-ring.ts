import type { DeviceModel, RingAssignment, Rollout, RolloutRing } from '../domain.ts';
import { termsOfRollback } from '../terms.ts';
import type { NewAssignment, Snapshot } from './snapshot.ts';

/**
 * The attempt at which a ring is given a release. A device does not try a release again that failed on it, so whoever
 * assigns it anew raises the attempt above those failures; otherwise denied work would be offered for ever.
 */
export function nextAttempt(
  digest: string,
  states: readonly (DeviceModel | undefined)[],
  current: RingAssignment | undefined,
): number {
  const failed = states.flatMap((state) =>
    state?.failure && state.candidate?.digest === digest ? [state.candidate.attempt + 1] : [],
  );
  return Math.max(1, current?.digest === digest ? current.attempt : 1, ...failed);
}

/** What opening a ring assigns, and what it ran before. */
export function openingOf(
  snapshot: Snapshot,
  ring: string,
): { readonly assignment: NewAssignment; readonly previous: RolloutRing['previous'] } {
  const { rollout, membership, models, assignments } = snapshot;
  const current = assignments.get(ring);
  const states = (membership.members.get(ring) ?? []).map((device) => models.get(device));
  const terms = rollout.rings.find(({ plan }) => plan.ring === ring)?.plan.terms ?? null;
  return {
    assignment: {
      ...assignmentOf(rollout, ring, rollout, nextAttempt(rollout.digest, states, current)),
      terms,
    },
    previous: current
      ? {
          version: current.version,
          digest: current.digest,
          attempt: current.attempt,
          ...(current.terms ? { terms: current.terms } : {}),
        }
      : null,
  };
}

/**
 * Back to what the rings ran before they opened: assignments, or their removal where there was nothing. A release that
 * was yanked since is given to nobody; such a ring keeps its assignment until a person chooses.
 */
export function rollbackOf(
  rollout: Rollout,
  rings: readonly RolloutRing[],
  yanked: ReadonlySet<string>,
): {
  readonly assignments: readonly NewAssignment[];
  readonly removals: readonly { ring: string; model: string }[];
} {
  const assignments: NewAssignment[] = [];
  const removals: { ring: string; model: string }[] = [];
  for (const { plan, previous } of rings) {
    if (previous && yanked.has(previous.version)) continue;
    if (previous)
      assignments.push({
        ...assignmentOf(rollout, plan.ring, previous, previous.attempt ?? 1),
        terms: termsOfRollback(previous.terms),
      });
    else removals.push({ ring: plan.ring, model: rollout.model });
  }
  return { assignments, removals };
}

const assignmentOf = (
  rollout: Rollout,
  ring: string,
  release: { readonly version: string; readonly digest: string },
  attempt: number,
): NewAssignment => ({
  ring,
  model: rollout.model,
  version: release.version,
  digest: release.digest,
  attempt,
  rollout: rollout.id,
  soak: rollout.soak,
});
