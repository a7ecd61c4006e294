/** Full jitter: a wait drawn evenly from (0, min(max, base · 2^attempt)]. `random` is in [0, 1). */
export function backoffMs(
  attempt: number,
  random: number,
  limits: { readonly baseMs: number; readonly maxMs: number },
): number {
  const ceiling = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(1, Math.round(ceiling * random));
}

const REFUSED = { baseMs: 60_000, maxMs: 15 * 60_000 };

/** The wait after the server said no, for the first time (0) or again: long, and never less than half of the longest. */
export function refusedWaitMs(refusals: number, random: number): number {
  const ceiling = Math.min(REFUSED.maxMs, REFUSED.baseMs * 2 ** Math.min(refusals, 30));
  return Math.round((ceiling * (1 + random)) / 2);
}
