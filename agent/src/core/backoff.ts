/** Full jitter: a wait drawn evenly from (0, min(max, base · 2^attempt)]. `random` is in [0, 1). */
export function backoffMs(
  attempt: number,
  random: number,
  limits: { readonly baseMs: number; readonly maxMs: number },
): number {
  const ceiling = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(1, Math.round(ceiling * random));
}
