/** How fast one device may send: units a second, and how many may come at once. A report is one unit, and one for each 4 KiB. */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
}

/** A week of heartbeats at once, then a hundred times what an agent with many models sends. */
export const PACE: Pace = { perSecond: 200, burst: 4_000 };

/** What a device has left; negative: it has to wait. */
export interface Allowance {
  readonly units: number;
  readonly atMs: number;
}

export const unitsOf = (bytes: number): number => 1 + Math.floor(bytes / 4_096);

/** Pays for what came, and answers how long it has to wait before it is taken. `atMs` only goes forward. */
export function payFor(
  before: Allowance | undefined,
  units: number,
  { perSecond, burst }: Pace,
  atMs: number,
): { readonly allowance: Allowance; readonly waitMs: number } {
  const earned = before ? before.units + ((atMs - before.atMs) * perSecond) / 1_000 : burst;
  const left = Math.min(burst, earned) - units;
  return { allowance: { units: left, atMs }, waitMs: left >= 0 ? 0 : Math.ceil((-left * 1_000) / perSecond) };
}
