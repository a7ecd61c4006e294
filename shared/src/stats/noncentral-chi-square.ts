import { chiSquareSurvival, lnGamma } from './special-functions.ts';

/** Terms of the mixture that are left out weigh less than this, all together. */
const NEGLIGIBLE = 1e-18;
const HALVINGS = 100;

/**
 * P(X > x) of a noncentral chi-square variable: the Poisson mixture of central ones (Johnson, Kotz and Balakrishnan,
 * Continuous Univariate Distributions 2, 29.2). `df` from 1, `noncentrality` from 0 to some thousands.
 */
export function noncentralChiSquareSurvival(x: number, df: number, noncentrality: number): number {
  if (x <= 0) return 1;
  const mean = noncentrality / 2;
  if (mean === 0) return chiSquareSurvival(x, df);
  const middle = Math.floor(mean);
  // From the largest weight outwards, so that nothing underflows.
  const largest = Math.exp(-mean + middle * Math.log(mean) - lnGamma(middle + 1));
  let total = 0;
  for (let j = middle, weight = largest; weight > NEGLIGIBLE; j++, weight *= mean / j) {
    total += weight * chiSquareSurvival(x, df + 2 * j);
  }
  for (let j = middle - 1, weight = (largest * middle) / mean; j >= 0 && weight > NEGLIGIBLE; j--) {
    total += weight * chiSquareSurvival(x, df + 2 * j);
    weight *= j / mean;
  }
  return Math.min(1, total);
}

/** The x that is exceeded with probability `alpha`, 0 < alpha < 1. */
export function noncentralChiSquareIsf(alpha: number, df: number, noncentrality: number): number {
  let low = 0;
  let high = df + noncentrality;
  while (noncentralChiSquareSurvival(high, df, noncentrality) > alpha) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < HALVINGS && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (noncentralChiSquareSurvival(middle, df, noncentrality) > alpha) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
