/**
 * Where a device stands in the lottery of one salt: 32 bits, evenly spread, the same on every server for ever.
 * FNV-1a over the text, then MurmurHash3's finalizer, without which ids that differ only in their last
 * character would stand in a row.
 */
export function shareHash(salt: string, id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${salt}\0${id}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** `ceil(share of n)` in exact integers, at least 1 where there is a device at all: 10 % of 4 is 1, never 0. */
export function shareSize(basisPoints: number, n: number): number {
  if (n === 0) return 0;
  return Math.min(n, Math.max(1, Math.ceil((basisPoints * n) / 10_000)));
}
