import { CodedError } from '@ringfleet/shared/errors';
import type { Release, Rollout } from '../../core/domain.ts';
import { planFromSpec } from '../../core/plan-file.ts';
import type { RolloutPlanSpec } from '../../core/plan-schema.ts';
import { rolloutEvent } from '../../core/rollout/events.ts';
import { newRollout } from '../../core/rollout/new-rollout.ts';
import { type Order, obey, supersedeBy } from '../../core/rollout/orders.ts';
import type { Change, Stores } from '../../ports/stores.ts';
import { activeRollouts, loadSnapshot } from '../../rollout-engine/fleet-state.ts';
import { saveStep } from '../../rollout-engine/save-step.ts';
import { requireTighterLimits } from './rings.ts';
import { loadRings } from './rings-view.ts';

/** Lost races against the ticking engine before a person is asked to look again. */
const TRIES = 5;

/** Carries out one order of a person. Throws ROLLOUT_UNKNOWN, ROLLOUT_STATE_CONFLICT, REVISION_CONFLICT, SECOND_PERSON_NEEDED. */
export async function carryOut(stores: Stores, id: string, order: Order, change: Change): Promise<Rollout> {
  for (let i = 0; i < TRIES; i++) {
    const snapshot = await loadSnapshot(stores, id);
    if (!snapshot) throw new CodedError('ROLLOUT_UNKNOWN', `There is no rollout ${id}.`);
    const step = obey(order, snapshot, change.by, change.atMs);
    const outcome = await saveStep(stores, snapshot.rollout, step, change);
    if (outcome === 'unchanged') return snapshot.rollout;
    if (outcome === 'saved') return (await stores.rollouts.get(id)) ?? step.rollout;
  }
  throw new CodedError('REVISION_CONFLICT', `Rollout ${id} changed ${TRIES} times meanwhile.`);
}

/**
 * Starts a rollout. Active ones of the same model that share a ring are superseded first. Throws RING_UNKNOWN,
 * PLAN_INVALID, PLAN_IMPOSSIBLE, PERSON_NEEDED, and ROLLOUT_CONFLICT when somebody else starts one at the same time.
 */
export async function startRollout(
  stores: Stores,
  id: string,
  release: Release,
  spec: RolloutPlanSpec,
  change: Change,
): Promise<Rollout> {
  const { membership } = await loadRings(stores);
  const sizes = new Map([...membership.members].map(([ring, members]) => [ring, members.length]));
  const plan = planFromSpec(spec, sizes);
  for (const { terms } of plan.rings)
    await requireTighterLimits(stores, release.model, release.version, terms);
  const rollout = newRollout(id, release, plan, change.by, change.atMs);
  await supersedeOthers(stores, rollout, change);
  const rings = plan.rings.map(({ ring }) => `${ring} (${sizes.get(ring) ?? 0})`).join(', then ');
  const sentence = `${change.by.name} rolls out ${release.model} ${release.version}: ${rings}.`;
  await stores.rollouts.create(rollout, change, [rolloutEvent(rollout, 'ROLLOUT_CREATED', sentence)]);
  return (await stores.rollouts.get(id)) ?? rollout;
}

async function supersedeOthers(stores: Stores, rollout: Rollout, change: Change): Promise<void> {
  const rings = new Set(rollout.rings.map(({ plan }) => plan.ring));
  for (const other of await activeRollouts(stores)) {
    const sharesRing = other.model === rollout.model && other.rings.some(({ plan }) => rings.has(plan.ring));
    if (!sharesRing) continue;
    const step = supersedeBy(other, rollout.version, change.by.name, change.atMs);
    // A lost race leaves it active; creating the new one then says so.
    await saveStep(stores, other, step, change);
  }
}
