import type { GateCounts, RolloutRing } from '../domain.ts';
import type { Snapshot } from './snapshot.ts';
import { isExecuted, type Standing, standingOf } from './standing.ts';

/** One device of a ring as a gate sees it. */
export interface Member {
  readonly device: string;
  readonly standing: Standing;
  readonly isConnected: boolean;
  /** Attempt at which it failed; 0 when it did not. */
  readonly attempt: number;
  readonly failure: { readonly code: string; readonly reason: string } | null;
}

/** What a ring looks like now. */
export interface Census {
  readonly members: readonly Member[];
  readonly counts: GateCounts;
  /** Failures of the release that no person has acknowledged yet. */
  readonly newFailures: readonly Member[];
  /** Devices proved it, and not one of them can be heard now. */
  readonly isSilent: boolean;
}

/** Counts one ring against the release of the rollout. Acknowledged failures stay counted until the device runs it. */
export function takeCensus(snapshot: Snapshot, ring: RolloutRing): Census {
  const members = membersOf(snapshot, ring);
  const proven = members.filter((member) => member.standing === 'proven');
  const failures = members.filter(({ standing }) => standing === 'failed' || standing === 'regressed');
  const of = (standing: Standing): number => members.filter((m) => m.standing === standing).length;
  return {
    members,
    counts: {
      members: members.length,
      executed: members.filter((member) => isExecuted(member.standing)).length,
      proven: proven.length,
      exercised: proven.filter(({ device }) => snapshot.models.get(device)?.isUnexercised === false).length,
      failed: failures.length,
      regressed: of('regressed'),
      unreached: of('unreached'),
      incompatible: of('incompatible'),
      infra: of('infra'),
    },
    newFailures: failures.filter((member) => !isAcknowledged(ring, member)),
    isSilent: proven.length > 0 && !proven.some((member) => member.isConnected),
  };
}

function membersOf(snapshot: Snapshot, ring: RolloutRing): readonly Member[] {
  const { rollout, membership, devices, models, assignments } = snapshot;
  const attempt = assignments.get(ring.plan.ring)?.attempt ?? 1;
  return (membership.members.get(ring.plan.ring) ?? []).map((device) => {
    const state = models.get(device);
    const standing = standingOf(state, { digest: rollout.digest, attempt });
    const known = ring.acknowledged?.find((failure) => failure.device === device);
    const isRetrying = known !== undefined && (standing === 'unreached' || standing === 'moving');
    return {
      device,
      standing: isRetrying ? 'failed' : standing,
      isConnected: devices.get(device)?.isConnected ?? false,
      attempt: isRetrying ? known.attempt : (state?.candidate?.attempt ?? 0),
      failure: state?.failure ?? null,
    };
  });
}

const isAcknowledged = (ring: RolloutRing, member: Member): boolean =>
  ring.acknowledged?.some(
    (failure) => failure.device === member.device && failure.attempt >= member.attempt,
  ) ?? false;
