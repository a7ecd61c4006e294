const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** After the first failure, after the second one, and so on: nine attempts within about 21 hours. */
const WAITS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
];

/** How long to wait after `failures` (1…) failed attempts, ±20 % by `random` (0…1); null: give up. */
export function waitAfter(failures: number, random: number): number | null {
  const wait = WAITS_MS[failures - 1];
  return wait === undefined ? null : Math.round(wait * (0.8 + 0.4 * random));
}
