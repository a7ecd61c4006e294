import { CodedError } from '@ringfleet/shared/errors';
import type { Principal, Release, Rollout, RolloutPlan } from '../domain.ts';
import { personBehind } from '../second-person.ts';

/**
 * A rollout before its first tick: every ring waits; the first tick opens the first one. Throws PERSON_NEEDED when a gate
 * asks for an approval and nobody can say who starts it: nobody could ever be the second person then.
 */
export function newRollout(
  id: string,
  release: Pick<Release, 'model' | 'version' | 'digest'>,
  plan: RolloutPlan,
  by: Principal,
  nowMs: number,
): Rollout {
  const person = personBehind(by);
  const gate = plan.rings.find(({ needsApproval }) => needsApproval);
  if (gate && person === null) {
    const why = `ring ${gate.ring} waits for the approval of a second person, and ${by.name} is nobody's token`;
    throw new CodedError('PERSON_NEEDED', why);
  }
  return {
    id,
    model: release.model,
    version: release.version,
    digest: release.digest,
    state: 'running',
    reason: null,
    reasonCode: null,
    soak: plan.soak,
    rings: plan.rings.map((ring) => ({
      plan: ring,
      state: 'waiting',
      openedAtMs: null,
      closedAtMs: null,
      previous: null,
      gate: null,
    })),
    createdAtMs: nowMs,
    createdBy: by.name,
    createdByPerson: person,
    endedAtMs: null,
    revision: 0,
  };
}
