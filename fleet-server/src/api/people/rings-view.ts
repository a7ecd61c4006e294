import type { Device, Ring, RingAssignment } from '../../core/domain.ts';
import { computeMembership, inOrder, type Membership } from '../../core/membership.ts';
import { count } from '../../core/wording.ts';
import type { Stores } from '../../ports/stores.ts';

/** Rings, who is in them and what they are assigned, read once. */
export interface RingFleet {
  readonly rings: readonly Ring[];
  readonly devices: readonly Device[];
  readonly membership: Membership;
  readonly assignments: readonly RingAssignment[];
}

export async function loadRings(stores: Stores): Promise<RingFleet> {
  const assignments = await stores.rings.assignments();
  const rings = inOrder(await stores.rings.list());
  const devices = await stores.devices.all();
  return { rings, devices, membership: computeMembership(rings, devices), assignments };
}

export function ringView(ring: Ring, fleet: RingFleet) {
  const { members, connected } = strengthOf(ring.name, fleet);
  const assignments = fleet.assignments
    .filter((assignment) => assignment.ring === ring.name)
    .map(({ model, version, digest, rollout, terms = null, sinceMs }) => ({
      model,
      version,
      digest,
      rollout,
      terms,
      sinceMs,
    }));
  return { ...ring, members, connected, assignments };
}

/** How many devices a ring has, and how many of them can be heard now. */
export function strengthOf(ring: string, { membership, devices }: RingFleet) {
  const members = new Set(membership.members.get(ring) ?? []);
  const connected = devices.filter((device) => device.isConnected && members.has(device.id)).length;
  return { members: members.size, connected };
}

/** `3 devices, 1 of them offline`. */
export const strengthWords = ({ members, connected }: { members: number; connected: number }): string =>
  `${count(members, 'device')}, ${members - connected} of them offline`;

const MOST = 500;

/** Who would be in a ring of these terms, and where those devices are today. */
export function previewOf(proposed: Omit<Ring, 'name' | 'revision'>, fleet: RingFleet) {
  const { membership, devices, rings } = fleet;
  const name = '\0proposed';
  const before = rings.filter((ring) => ring.ordinal < proposed.ordinal);
  const next = computeMembership([...before, { ...proposed, name, revision: 0 }], devices);
  const chosen = new Set(next.members.get(name) ?? []);
  const matching = devices.filter((device) => chosen.has(device.id));
  const taken = matching.filter((device) => membership.ringOf.has(device.id)).length;
  const active = devices.filter((device) => device.status === 'active').length;
  const sentence = `${count(chosen.size, 'device')} of ${active} would be in this ring; ${taken} of them ${taken === 1 ? 'is' : 'are'} in a ring today.`;
  return {
    sentence: chosen.size === active && active > 0 ? `${sentence} That is every device.` : sentence,
    matches: chosen.size,
    of: active,
    devices: matching.slice(0, MOST).map(({ id, isConnected, labels }) => ({
      id,
      ring: membership.ringOf.get(id) ?? null,
      isConnected,
      labels: { ...labels },
    })),
    orphans: membership.orphans.slice(0, MOST),
    overlaps: [...membership.overlaps].slice(0, MOST).map(([device, names]) => ({ device, rings: names })),
  };
}
