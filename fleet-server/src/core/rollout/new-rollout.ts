import type { Release, Rollout, RolloutPlan } from '../domain.ts';

/** A rollout before its first tick: every ring waits; the first tick opens the first one. */
export function newRollout(
  id: string,
  release: Pick<Release, 'model' | 'version' | 'digest'>,
  plan: RolloutPlan,
  by: string,
  nowMs: number,
): Rollout {
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
    createdBy: by,
    endedAtMs: null,
    revision: 0,
  };
}
