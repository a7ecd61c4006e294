import type { RingAssignment, SoakPlan } from './domain.ts';
import type { Membership } from './membership.ts';

/** One model that a device should run, and why: the ring whose assignment says so. */
export interface DesiredModel {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly attempt: number;
  readonly rollout: string | null;
  /** Device-side soak; null: the device's defaults. */
  readonly soak: SoakPlan | null;
  readonly ring: string;
  readonly sinceMs: number;
}

/**
 * Everything one device should run, by model name: what its ring is assigned. A device without a ring, or one that
 * is not active, should run nothing. This is the only derivation of desired state; documents are made from it.
 */
export function desiredModels(
  device: string,
  membership: Membership,
  assignments: readonly RingAssignment[],
): readonly DesiredModel[] {
  const ring = membership.ringOf.get(device);
  return assignments
    .filter((assignment) => assignment.ring === ring)
    .map((assignment) => ({ ...assignment }))
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
}
