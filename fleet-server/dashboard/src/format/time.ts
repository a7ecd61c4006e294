import { texts } from '../texts.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "4 min ago", short enough for a table cell. Times in the future, which clocks that differ make, are "now". */
export function relativeTime(atMs: number, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - atMs);
  if (ageMs < 5_000) return texts.time.now;
  if (ageMs < MINUTE_MS) return texts.time.secondsAgo(Math.floor(ageMs / 5_000) * 5);
  if (ageMs < HOUR_MS) return texts.time.minutesAgo(Math.floor(ageMs / MINUTE_MS));
  if (ageMs < DAY_MS) return texts.time.hoursAgo(Math.floor(ageMs / HOUR_MS));
  return texts.time.daysAgo(Math.floor(ageMs / DAY_MS));
}

/** The whole moment with its zone, for the tooltip and for copying. */
export function absoluteTime(atMs: number): string {
  return new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle: 'long',
  }).format(atMs);
}

/** "14:03" on this person's clock. */
export function timeOfDay(atMs: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(atMs);
}
