import type { Device, Ring, RingAssignment } from '../../fleet-server/src/core/domain.ts';
import { shareHash } from '../../fleet-server/src/core/share-hash.ts';

/** Ring → its devices. */
export type Members = ReadonlyMap<string, readonly string[]>;

/** Membership the slow way: rings in order, each takes what is named, then its share of what is left (rule 3). */
export function slowMembers(rings: readonly Ring[], devices: readonly Device[]): Members {
  const left = new Set(devices.filter(({ status }) => status === 'active').map(({ id }) => id));
  const members = new Map<string, readonly string[]>();
  for (const ring of [...rings].sort((a, b) => a.ordinal - b.ordinal)) {
    const named = [...left].filter((id) => ring.devices.includes(id));
    for (const id of named) left.delete(id);
    const drawn = ring.shareBasisPoints === null ? [] : lowest([...left], ring.name, ring.shareBasisPoints);
    for (const id of drawn) left.delete(id);
    members.set(ring.name, [...named, ...drawn].sort());
  }
  return members;
}

/** Whole numbers: the smallest count that is not below the share, and one where there is a device at all. */
export function cap(basisPoints: number, n: number): number {
  if (n === 0) return 0;
  let count = 1;
  while (count < n && BigInt(count) * 10_000n < BigInt(basisPoints) * BigInt(n)) count += 1;
  return count;
}

function lowest(ids: readonly string[], salt: string, basisPoints: number): readonly string[] {
  const ranked = [...ids].sort((a, b) => shareHash(salt, a) - shareHash(salt, b) || (a < b ? -1 : 1));
  return ranked.slice(0, cap(basisPoints, ids.length));
}

/** What an onlooker saw each device being allowed, ever: the only releases that may turn up on it. */
export class FleetLedger {
  readonly #allowed = new Set<string>();

  /** To be called after everything that may change who is in a ring, or what a ring is assigned. */
  note(members: Members, assignments: readonly RingAssignment[]): void {
    for (const { ring, model, digest } of assignments) {
      for (const id of members.get(ring) ?? []) this.#allowed.add(`${id} ${model} ${digest}`);
    }
  }

  isAllowed(device: string, model: string, digest: string): boolean {
    return this.#allowed.has(`${device} ${model} ${digest}`);
  }
}
