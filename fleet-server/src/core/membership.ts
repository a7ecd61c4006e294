import type { Device, Ring } from './domain.ts';
import { matches, parseSelector, type Selector } from './selector.ts';
import { shareHash, shareSize } from './share-hash.ts';

/** Who is in which ring. Every active device has at most one ring: the first, by ordinal, that it belongs to. */
export interface Membership {
  /** Ring name → its device ids, sorted; every ring has an entry, in order of the rings. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly ringOf: ReadonlyMap<string, string>;
  /** Devices that more than one ring claims → all of these rings, the winner first. */
  readonly overlaps: ReadonlyMap<string, readonly string[]>;
  /** Active devices that no ring takes, sorted. */
  readonly orphans: readonly string[];
}

/** Position of a device in the lottery of a ring; lower comes first. */
export type ShareHash = (salt: string, id: string) => number;

/**
 * Computes the members of all rings (DESIGN §7 rule 3). Explicit devices and those a selector matches belong to the
 * ring; with a share, only that part of the matching devices which no earlier ring took. A ring with a share and no
 * selector draws from all that are left. Throws SELECTOR_INVALID.
 */
export function computeMembership(
  rings: readonly Ring[],
  devices: readonly Device[],
  hash: ShareHash = shareHash,
): Membership {
  const active = devices.filter((device) => device.status === 'active');
  const members = new Map<string, readonly string[]>();
  const ringOf = new Map<string, string>();
  const claims = new Map<string, string[]>();
  for (const ring of inOrder(rings)) {
    const claimed = claimsOf(ring, active, ringOf, hash);
    const won = claimed.filter((id) => !ringOf.has(id)).toSorted();
    for (const id of claimed) claims.set(id, [...(claims.get(id) ?? []), ring.name]);
    for (const id of won) ringOf.set(id, ring.name);
    members.set(ring.name, won);
  }
  return {
    members,
    ringOf,
    overlaps: new Map([...claims].filter(([, names]) => names.length > 1)),
    orphans: active
      .map((device) => device.id)
      .filter((id) => !ringOf.has(id))
      .toSorted(),
  };
}

/** All rings that claim this device, the one it is in first; empty for an orphan. */
export function ringsOf(membership: Membership, device: string): readonly string[] {
  const ring = membership.ringOf.get(device);
  return membership.overlaps.get(device) ?? (ring === undefined ? [] : [ring]);
}

/** Lowest ordinal first; rings of one ordinal by name, so that every server agrees. */
export function inOrder(rings: readonly Ring[]): readonly Ring[] {
  return rings.toSorted((a, b) => a.ordinal - b.ordinal || (a.name < b.name ? -1 : 1));
}

function claimsOf(
  ring: Ring,
  devices: readonly Device[],
  taken: ReadonlyMap<string, string>,
  hash: ShareHash,
): readonly string[] {
  const named = new Set(ring.devices);
  const selector: Selector | null = ring.selector === null ? null : parseSelector(ring.selector);
  const explicit = devices.filter((device) => named.has(device.id)).map((device) => device.id);
  const others = devices.filter((device) => !named.has(device.id));
  if (ring.shareBasisPoints === null) {
    const matching = selector ? others.filter((device) => matches(selector, device)) : [];
    return [...explicit, ...matching.map((device) => device.id)];
  }
  const left = others.filter(
    (device) => !taken.has(device.id) && (selector === null || matches(selector, device)),
  );
  return [...explicit, ...lowest(left, ring.name, ring.shareBasisPoints, hash)];
}

function lowest(
  devices: readonly Device[],
  salt: string,
  basisPoints: number,
  hash: ShareHash,
): readonly string[] {
  return devices
    .map((device) => ({ id: device.id, rank: hash(salt, device.id) }))
    .toSorted((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
    .slice(0, shareSize(basisPoints, devices.length))
    .map((entry) => entry.id);
}
