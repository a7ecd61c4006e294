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

function smoothed(counts: readonly number[]): number[] {
  const total = sum(counts) + 0.5 * counts.length;
  return counts.map((count) => (count + 0.5) / total);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
