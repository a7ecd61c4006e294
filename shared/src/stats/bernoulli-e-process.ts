/** Shares of the largest safe bet. Few and spread on a log scale: a mixture loses only ln(count) to the best of them. */
const BETS = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9] as const;

export interface BernoulliEProcess {
  /** ln of the evidence against the null after `hits` in `trials`; 0 before the first. */
  logE(hits: number, trials: number): number;
  /** Whether the null may be dropped at level `alpha`, however often one has looked (Ville's inequality). */
  rejects(hits: number, trials: number, alpha: number): boolean;
}

/**
 * A betting e-process for a rate: wealth of a player who bets fixed fractions on every trial, averaged over several
 * fractions, against "the rate is at most p0" (`above`) or "at least p0" (`below`). It may be read after every trial
 * and stopped at any time (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024).
 * Fixed fractions make it depend on the two counts alone, so nothing but counts has to be stored.
 */
export function bernoulliEProcess(p0: number, direction: 'above' | 'below'): BernoulliEProcess {
  if (!(p0 > 0 && p0 < 1)) throw new RangeError('the null rate lies strictly between 0 and 1');
  const sign = direction === 'above' ? 1 : -1;
  const largest = direction === 'above' ? 1 / p0 : 1 / (1 - p0);
  const growth = BETS.map((share) => {
    const bet = sign * share * largest;
    return { hit: Math.log1p(bet * (1 - p0)), miss: Math.log1p(-bet * p0) };
  });
  const logE = (hits: number, trials: number): number => {
    const logs = growth.map(({ hit, miss }) => hits * hit + (trials - hits) * miss);
    const top = Math.max(...logs);
    return top + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0) / logs.length);
  };
  return { logE, rejects: (hits, trials, alpha) => logE(hits, trials) >= -Math.log(alpha) };
}
