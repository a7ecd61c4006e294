import type { Device, RingAssignment, SoakPlan } from './domain.ts';
import type { Membership } from './membership.ts';
import type { Terms } from './terms.ts';

/** One model that a device should run, and why: the ring whose assignment says so. */
export interface DesiredModel {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly attempt: number;
  readonly rollout: string | null;
  /** Device-side soak; null: the device's defaults. */
  readonly soak: SoakPlan | null;
  readonly terms?: Terms | null;
  readonly ring: string;
  readonly sinceMs: number;
}

/**
 * Everything one device should run, by model name: what its ring is assigned. A device without a ring, or one that
 * is not active, should run nothing. A hold of the device is a term of all its models but those that are urgent. This is the only derivation of desired state; documents are made from it.
 */
export function desiredModels(
  { id, hold }: Pick<Device, 'id' | 'hold'>,
  membership: Membership,
  assignments: readonly RingAssignment[],
): readonly DesiredModel[] {
  const ring = membership.ringOf.get(id);
  return assignments
    .filter((assignment) => assignment.ring === ring)
    .map((assignment) =>
      hold && !assignment.terms?.urgent
        ? { ...assignment, terms: { ...assignment.terms, hold: true } }
        : assignment,
    )
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
}
