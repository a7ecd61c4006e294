import { chiSquareSurvival } from './special-functions.ts';

/**
 * Population stability index of two histograms with the same bins, each smoothed as (c + ½) / (n + ½B). The number
 * people see; an alarm needs a threshold that knows both sample sizes.
 */
export function psi(reference: readonly number[], current: readonly number[]): number {
  const p = smoothed(reference);
  const q = smoothed(current);
  return p.reduce((sum, pi, i) => sum + ((q[i] as number) - pi) * Math.log((q[i] as number) / pi), 0);
}

/** G statistic of homogeneity of two histograms, with its chi-square p-value. Bins empty in both say nothing. */
export function gTest(a: readonly number[], b: readonly number[]): { g: number; df: number; pValue: number } {
  const totalA = sum(a);
  const totalB = sum(b);
  const total = totalA + totalB;
  let g = 0;
  let used = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    if (x + y === 0) continue;
    used += 1;
    if (x > 0) g += x * Math.log((x * total) / ((x + y) * totalA));
    if (y > 0) g += y * Math.log((y * total) / ((x + y) * totalB));
  }
  const df = totalA > 0 && totalB > 0 ? Math.max(0, used - 1) : 0;
  const statistic = Math.max(0, 2 * g);
  return { g: statistic, df, pValue: df === 0 ? 1 : chiSquareSurvival(statistic, df) };
}

/**
 * Largest distance between the two distribution functions, looked at between bins: at most the two-sample
 * Kolmogorov-Smirnov statistic (Smirnov, "On the estimation of the discrepancy between empirical curves of distribution
 * for two independent samples", 1939), which looks at every value. 0 to 1; bins have to be in the order of what they hold.
 */
export function binnedKolmogorovSmirnov(a: readonly number[], b: readonly number[]): number {
  const [totalA, totalB] = [sum(a), sum(b)];
  if (totalA === 0 || totalB === 0) return 0;
  let largest = 0;
  let [belowA, belowB] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    belowA += a[i] as number;
    belowB += b[i] as number;
    largest = Math.max(largest, Math.abs(belowA / totalA - belowB / totalB));
  }
  return largest;
}

/**
 * Jensen-Shannon distance of two histograms, the square root of the divergence with base 2 (Lin, "Divergence measures
 * based on the Shannon entropy", 1991; Endres and Schindelin, 2003, for the root being a metric). 0 is the same, 1 when
 * they have no bin in common; needs no smoothing and no order of bins.
 */
export function jensenShannon(a: readonly number[], b: readonly number[]): number {
  const [totalA, totalB] = [sum(a), sum(b)];
  if (totalA === 0 || totalB === 0) return 0;
  let divergence = 0;
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [(a[i] as number) / totalA, (b[i] as number) / totalB];
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p * Math.log2(p / middle)) / 2;
    if (q > 0) divergence += (q * Math.log2(q / middle)) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
}

function smoothed(counts: readonly number[]): number[] {
  const total = sum(counts) + 0.5 * counts.length;
  return counts.map((count) => (count + 0.5) / total);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
