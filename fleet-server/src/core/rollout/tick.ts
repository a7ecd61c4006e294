import { count, listed } from '../wording.ts';
import { openingOf } from './assign-ring.ts';
import { Draft } from './draft.ts';
import { finish } from './finish.ts';
import { judgeRing } from './judge-ring.ts';
import { isActive, nothingToDo, type Snapshot, type Step } from './snapshot.ts';

/**
 * One step of a rollout: pure, and idempotent in the sense that the same snapshot gives the same step and a step with
 * nothing to do returns the same rollout object. Gates run on every tick in every ring that is open or was passed, the
 * last one included; later rings stay untouched while an earlier one is not passed (DESIGN §7).
 */
export function tick(snapshot: Snapshot, nowMs: number): Step {
  if (!isActive(snapshot.rollout)) return nothingToDo(snapshot.rollout);
  const draft = new Draft(snapshot.rollout);
  if (supersede(draft, snapshot, nowMs)) return draft.step;
  for (const [index, ring] of draft.rollout.rings.entries()) {
    if (ring.state === 'waiting') continue;
    if (isGone(draft, snapshot, ring.plan.ring)) return draft.step;
    judgeRing(draft, index, snapshot, nowMs);
    if (draft.rollout.state === 'halted') return draft.step;
  }
  if (draft.rollout.state === 'running') advance(draft, snapshot, nowMs);
  return draft.step;
}

/** A ring that somebody gave another release meanwhile belongs to that decision. */
function supersede(draft: Draft, { rollout, assignments, membership }: Snapshot, nowMs: number): boolean {
  const taken = rollout.rings.filter(({ state, plan }) => {
    if (state === 'waiting' || !membership.members.has(plan.ring)) return false;
    return assignments.get(plan.ring)?.rollout !== rollout.id;
  });
  if (taken.length === 0) return false;
  const names = listed(taken.map(({ plan }) => plan.ring));
  const reason = `${names} was given another release of ${rollout.model} while ${rollout.version} was being rolled out.`;
  draft.set({ state: 'superseded', reasonCode: 'ROLLOUT_SUPERSEDED', reason, endedAtMs: nowMs });
  draft.say('ROLLOUT_SUPERSEDED', reason);
  return true;
}

function isGone(draft: Draft, { membership }: Snapshot, ring: string): boolean {
  if (membership.members.has(ring)) return false;
  draft.pause('ROLLOUT_RING_GONE', `Ring ${ring} of the plan no longer exists.`, { ring });
  return true;
}

function advance(draft: Draft, snapshot: Snapshot, nowMs: number): void {
  const index = draft.rollout.rings.findIndex((ring) => ring.state !== 'passed');
  if (index < 0) finish(draft, snapshot, nowMs);
  else if (draft.ring(index).state === 'waiting') open(draft, snapshot, index, nowMs);
}

function open(draft: Draft, snapshot: Snapshot, index: number, nowMs: number): void {
  const { plan } = draft.ring(index);
  if (isGone(draft, snapshot, plan.ring)) return;
  if (snapshot.yanked.has(draft.rollout.version)) {
    const reason = `${draft.rollout.version} was yanked; ring ${plan.ring} is not given it.`;
    draft.pause('ROLLOUT_RELEASE_YANKED', reason, { ring: plan.ring });
    return;
  }
  const { assignment, previous } = openingOf(snapshot, plan.ring);
  draft.assign({ assignments: [assignment] });
  draft.setRing(index, { state: 'open', openedAtMs: nowMs, previous });
  const members = snapshot.membership.members.get(plan.ring) ?? [];
  const offline = members.filter((device) => !snapshot.devices.get(device)?.isConnected).length;
  draft.say(
    'ROLLOUT_RING_OPENED',
    `Ring ${plan.ring} is offered ${draft.rollout.version}: ${count(members.length, 'device')}, ${offline} of them offline.`,
    { ring: plan.ring, members: members.length, offline, from: previous?.version ?? null },
  );
}
