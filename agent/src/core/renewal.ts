/** What to do about a certificate now: `ended` has to go another way than `due`, because TLS lets it in no more. */
export type RenewalStep = 'keep' | 'due' | 'ended';

/** Renewed at two thirds of its life (DESIGN §4), so that a month of trouble costs nothing. */
export function renewalStep(life: { notBeforeMs: number; notAfterMs: number }, nowMs: number): RenewalStep {
  if (nowMs >= life.notAfterMs) return 'ended';
  return nowMs >= life.notAfterMs - (life.notAfterMs - life.notBeforeMs) / 3 ? 'due' : 'keep';
}
