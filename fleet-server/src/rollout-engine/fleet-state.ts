import type { Release, Rollout } from '../core/domain.ts';
import { computeMembership } from '../core/membership.ts';
import { type FleetState, type Snapshot, snapshotOf } from '../core/rollout/snapshot.ts';
import type { Stores } from '../ports/stores.ts';

/**
 * Everything that rollouts are decided from. The rollouts must have been read before: then an assignment that a
 * rollout made is always seen, and one that is not the rollout's own is somebody else's decision.
 */
export async function loadFleetState(stores: Stores, rollouts: readonly Rollout[]): Promise<FleetState> {
  const assignments = await stores.rings.assignments();
  const rings = await stores.rings.list();
  const devices = await stores.devices.all();
  const models = await stores.devices.models();
  const releases = await releasesOf(stores, rollouts);
  return { membership: computeMembership(rings, devices), devices, models, assignments, releases };
}

/** One rollout with all around it; null when there is none of this id. */
export async function loadSnapshot(stores: Stores, id: string): Promise<Snapshot | null> {
  const rollout = await stores.rollouts.get(id);
  return rollout && snapshotOf(rollout, await loadFleetState(stores, [rollout]));
}

/** The active rollouts, all pages. */
export async function activeRollouts(stores: Stores): Promise<readonly Rollout[]> {
  const found: Rollout[] = [];
  let cursor: string | undefined;
  do {
    const page = await stores.rollouts.list({ limit: 100, active: true, cursor });
    found.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

async function releasesOf(stores: Stores, rollouts: readonly Rollout[]): Promise<readonly Release[]> {
  const wanted = new Map<string, { model: string; version: string }>();
  for (const { model, version, rings } of rollouts) {
    const versions = [version, ...rings.flatMap(({ previous }) => (previous ? [previous.version] : []))];
    for (const each of versions) wanted.set(`${model}@${each}`, { model, version: each });
  }
  const found: Release[] = [];
  for (const { model, version } of wanted.values()) {
    const release = await stores.releases.get(model, version);
    if (release) found.push(release);
  }
  return found;
}
