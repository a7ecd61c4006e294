/** Failed attempts of one account or from one address. */
export interface Attempts {
  readonly failures: number;
  readonly lastMs: number;
}

/** So many failures cost nothing; each further one doubles the wait, up to a longest one. */
export interface AttemptLimits {
  readonly free: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

/** A short longest wait: whoever fails on purpose must not keep the owner of the account out. */
export const PER_ACCOUNT: AttemptLimits = { free: 5, firstWaitMs: 1_000, longestWaitMs: 60_000 };
export const PER_ADDRESS: AttemptLimits = { free: 20, firstWaitMs: 1_000, longestWaitMs: 900_000 };

/** How long the next attempt has to wait; 0: it may be made now. */
export function waitMs(attempts: Attempts | undefined, limits: AttemptLimits, nowMs: number): number {
  if (!attempts || attempts.failures < limits.free) return 0;
  const doublings = Math.min(attempts.failures - limits.free, 30);
  const pause = Math.min(limits.firstWaitMs * 2 ** doublings, limits.longestWaitMs);
  return Math.max(0, attempts.lastMs + pause - nowMs);
}

export function withFailure(attempts: Attempts | undefined, limits: AttemptLimits, nowMs: number): Attempts {
  const before = attempts && !isForgotten(attempts, limits, nowMs) ? attempts.failures : 0;
  return { failures: before + 1, lastMs: nowMs };
}

/** Quiet for twice the longest wait: nothing of it is held against anybody any more. */
export const isForgotten = ({ lastMs }: Attempts, { longestWaitMs }: AttemptLimits, nowMs: number): boolean =>
  nowMs - lastMs > 2 * longestWaitMs;
