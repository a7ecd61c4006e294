/** Signed time is asked for again after this, and sooner when the clocks part. */
const PERIOD_MS = 6 * 3_600_000;
/** A jump of the system's clock, or a sleep of the machine, that is worth a question. */
const JUMP_MS = 60_000;

/** When signed time arrived, by both clocks of the machine. */
export interface SyncMark {
  readonly systemMs: number;
  readonly monotonicMs: number;
}

/** Whether signed time is to be asked for: there was none, it is old, or the machine's clocks have parted since. */
export function isSyncDue(last: SyncMark | null, now: SyncMark): boolean {
  if (last === null) return true;
  const [monotonic, system] = [now.monotonicMs - last.monotonicMs, now.systemMs - last.systemMs];
  return monotonic >= PERIOD_MS || Math.abs(system - monotonic) > JUMP_MS;
}
