/** How long a signed time overrules the system's clock: a monotonic clock stands still while a machine sleeps. */
export const SIGNED_FRESH_MS = 24 * 3_600_000;

/** All that a device knows about the time. Integers or fractions of milliseconds; epoch ms but for the monotonic ones. */
export interface TimeSources {
  /** The system's clock; without a battery it may say 1970, and anybody on the network may have set it. */
  readonly systemMs: number;
  /** Since this process started; never jumps. */
  readonly monotonicMs: number;
  /** When this program was built: it was never earlier than that. */
  readonly buildMs: number;
  /** The newest signed time that was on the disk when this process started; 0 without one. */
  readonly persistedMs: number;
  /** The last signed time that this process received. */
  readonly lastSigned: { readonly atMs: number; readonly monotonicAtReceiptMs: number } | null;
}

/**
 * Trusted now (DESIGN §4), the only time that trust compares dates with. Without fresh signed time it is the latest that
 * anything here says. Fresh signed time overrules the system's clock in both directions, but never goes below what was
 * signed before or below the build.
 */
export function trustedNow({ systemMs, monotonicMs, buildMs, persistedMs, lastSigned }: TimeSources): number {
  const floorMs = Math.max(buildMs, persistedMs);
  if (lastSigned === null) return Math.max(systemMs, floorMs + monotonicMs);
  const ageMs = monotonicMs - lastSigned.monotonicAtReceiptMs;
  const signedMs = Math.max(lastSigned.atMs + ageMs, floorMs);
  return ageMs <= SIGNED_FRESH_MS ? signedMs : Math.max(systemMs, signedMs);
}
