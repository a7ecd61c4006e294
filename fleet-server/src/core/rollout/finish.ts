import { count, listed } from '../wording.ts';
import { type Member, takeCensus } from './census.ts';
import type { Draft } from './draft.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * All gates passed: the rollout is complete when every device is proven, and complete with stragglers when those that
 * are missing cannot be reached or have settled otherwise. Reachable ones are waited for until the last deadline.
 * Stragglers keep their assignment, so they still converge.
 */
export function finish(draft: Draft, snapshot: Snapshot, nowMs: number): void {
  const { rings, version } = draft.rollout;
  const members = rings.flatMap((ring) => takeCensus(snapshot, ring).members);
  const missing = members.filter((member) => member.standing !== 'proven');
  if (missing.length === 0) {
    const sentence = `${version} is proven on all ${count(members.length, 'device')}.`;
    draft.set({ state: 'completed', reason: null, reasonCode: null, endedAtMs: nowMs });
    draft.say('ROLLOUT_COMPLETED', sentence, { devices: members.length });
    return;
  }
  const last = rings.at(-1);
  const deadlineMs = (last?.deadlineFromMs ?? last?.openedAtMs ?? nowMs) + (last?.plan.deadlineMs ?? 0);
  if (missing.some(isOnItsWay) && nowMs < deadlineMs) return;
  const names = listed(missing.map(({ device, standing }) => `${device} (${standing})`));
  const reason = `${version} is proven on ${members.length - missing.length} of ${count(members.length, 'device')}; missing: ${names}.`;
  draft.set({ state: 'completedWithStragglers', reason, reasonCode: null, endedAtMs: nowMs });
  draft.say('ROLLOUT_COMPLETED_WITH_STRAGGLERS', reason, { stragglers: missing.length });
}

const isOnItsWay = ({ standing, isConnected }: Member): boolean =>
  isConnected &&
  (standing === 'unreached' || standing === 'moving' || standing === 'soaking' || standing === 'committed');
