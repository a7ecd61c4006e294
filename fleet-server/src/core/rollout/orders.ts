import { CodedError } from '@ringfleet/shared/errors';
import type { Principal, Rollout } from '../domain.ts';
import { personBehind, requireSecondPerson } from '../second-person.ts';
import { takeCensus } from './census.ts';
import { Draft } from './draft.ts';
import { goingBack, openedRings, rollBack } from './reaction.ts';
import { isActive, type Snapshot, type Step } from './snapshot.ts';

/** What a person may tell a rollout. Each order throws ROLLOUT_STATE_CONFLICT where it does not apply. */
export type Order =
  | { readonly kind: 'pause' | 'resume' | 'approve' }
  | { readonly kind: 'abort'; readonly mode: 'keep' | 'revert' };

/** Carries out an order of `principal`; pure, to be saved like a tick. */
export function obey(order: Order, snapshot: Snapshot, principal: Principal, nowMs: number): Step {
  const draft = new Draft(snapshot.rollout);
  const by = principal.name;
  switch (order.kind) {
    case 'pause':
      requireActive(snapshot.rollout);
      draft.pause('ROLLOUT_PAUSED_BY_PERSON', `${by} paused the rollout.`);
      break;
    case 'resume':
      resume(draft, snapshot, by, nowMs);
      break;
    case 'approve':
      approve(draft, principal);
      break;
    case 'abort':
      abort(draft, order.mode, snapshot.yanked, by, nowMs);
      break;
    default:
      order satisfies never;
  }
  return draft.step;
}

/** Ends the rollout because a newer one takes its place; what the rings run stays until that one opens them. */
export function supersedeBy(rollout: Rollout, version: string, by: string, nowMs: number): Step {
  const draft = new Draft(rollout);
  const reason = `${by} started the rollout of ${rollout.model} ${version}, which takes its place.`;
  draft.set({ state: 'superseded', reasonCode: 'ROLLOUT_SUPERSEDED', reason, endedAtMs: nowMs });
  draft.say('ROLLOUT_SUPERSEDED', reason);
  return draft.step;
}

/**
 * Acknowledges the failures seen so far: they stay counted, and the next new one stops the rollout again. Deadlines
 * count from now. After a pause for our side's sake the open rings' devices are asked to try again.
 */
function resume(draft: Draft, snapshot: Snapshot, by: string, nowMs: number): void {
  const { state, reasonCode } = draft.rollout;
  if (state !== 'paused') throw conflict(`The rollout is ${state}, not paused.`);
  let acknowledged = 0;
  for (const index of openedRings(draft)) {
    const ring = draft.ring(index);
    const { newFailures } = takeCensus(snapshot, ring);
    acknowledged += newFailures.length;
    draft.setRing(index, {
      ...(ring.state === 'passed' ? {} : { state: 'open', deadlineFromMs: nowMs }),
      acknowledged: [
        ...(ring.acknowledged ?? []).filter(({ device }) => !newFailures.some((f) => f.device === device)),
        ...newFailures.map(({ device, attempt }) => ({ device, attempt })),
      ],
    });
    if (reasonCode === 'ROLLOUT_OUR_SIDE' && ring.state === 'open') tryAgain(draft, snapshot, ring.plan.ring);
  }
  draft.set({ state: 'running', reason: null, reasonCode: null });
  const seen = acknowledged === 0 ? '' : ` and acknowledged ${acknowledged} failed devices`;
  draft.say('ROLLOUT_RESUMED', `${by} resumed the rollout${seen}.`, { acknowledged });
}

function tryAgain(draft: Draft, { assignments }: Snapshot, ring: string): void {
  const current = assignments.get(ring);
  if (!current) return;
  const { sinceMs: _, ...assignment } = current;
  draft.assign({ assignments: [{ ...assignment, attempt: assignment.attempt + 1 }] });
}

function approve(draft: Draft, principal: Principal): void {
  requireActive(draft.rollout);
  const index = draft.rollout.rings.findIndex(({ gate }) => gate?.code === 'GATE_NEEDS_APPROVAL');
  if (index < 0) throw conflict('No gate of this rollout waits for an approval.');
  const { createdBy, createdByPerson = createdBy } = draft.rollout;
  requireSecondPerson('the rollout', createdByPerson, personBehind(principal));
  const by = principal.name;
  draft.setRing(index, { approvedBy: by });
  const { ring } = draft.ring(index).plan;
  draft.say('ROLLOUT_APPROVED', `${by} approved ring ${ring}.`, { ring });
}

/** `keep` leaves every device on what its ring is assigned now; `revert` gives the opened rings back what they ran. */
function abort(
  draft: Draft,
  mode: 'keep' | 'revert',
  yanked: ReadonlySet<string>,
  by: string,
  nowMs: number,
): void {
  if (!isActive(draft.rollout) && draft.rollout.state !== 'halted')
    throw conflict(`The rollout is ${draft.rollout.state}.`);
  const opened = openedRings(draft);
  const rings = opened.map((index) => draft.ring(index));
  const what = mode === 'revert' ? goingBack(rings, yanked) : 'Every ring keeps what it is assigned now.';
  if (mode === 'revert') rollBack(draft, opened, yanked, nowMs);
  const reason = `${by} aborted the rollout. ${what}`;
  draft.set({ state: 'aborted', reasonCode: 'ROLLOUT_ABORTED', reason, endedAtMs: nowMs });
  draft.say('ROLLOUT_ABORTED', reason, { mode });
}

function requireActive(rollout: Rollout): void {
  if (!isActive(rollout)) throw conflict(`The rollout is ${rollout.state}.`);
}

const conflict = (message: string): CodedError => new CodedError('ROLLOUT_STATE_CONFLICT', message);
