import { betaI } from './special-functions.ts';

/**
 * Exact two-sided interval of a rate after k of n. For display only: looked at again and again it is wrong far more
 * often than it says, which is what the e-process is for.
 */
export function clopperPearson(k: number, n: number, level = 0.95): { lower: number; upper: number } {
  const tail = (1 - level) / 2;
  return { lower: lowerBound(k, n, tail), upper: upperBound(k, n, tail) };
}

/** One-sided bounds: the rate is above `lower`, or below `upper`, each with confidence `level`. */
export const clopperPearsonLower = (k: number, n: number, level = 0.95): number =>
  lowerBound(k, n, 1 - level);
export const clopperPearsonUpper = (k: number, n: number, level = 0.95): number =>
  upperBound(k, n, 1 - level);

export interface CleanDevicesClaim {
  readonly devices: number;
  /** Largest share of bad devices that so many clean ones leave possible. */
  readonly below: number;
  readonly sentence: string;
}

/** What n devices without a failure show about the whole fleet, and no more. */
export function cleanDevicesClaim(n: number, level = 0.95): CleanDevicesClaim {
  const below = n > 0 ? upperBound(0, n, 1 - level) : 1;
  if (n <= 0) return { devices: 0, below, sentence: 'No device has shown anything yet.' };
  const who = n === 1 ? '1 clean device shows' : `${n} clean devices show`;
  const sentence = `${who} with ${Math.round(level * 100)} % confidence that fewer than ${percent(below)} % of the fleet would fail.`;
  return { devices: n, below, sentence };
}

/** Clean devices needed before one may say that fewer than `rate` of the fleet would fail. */
export const cleanDevicesNeeded = (rate: number, level = 0.95): number =>
  Math.ceil(Math.log(1 - level) / Math.log1p(-rate) - 1e-9);

function lowerBound(k: number, n: number, tail: number): number {
  return k <= 0 || n <= 0 ? 0 : betaQuantile(tail, k, n - k + 1);
}

function upperBound(k: number, n: number, tail: number): number {
  return k >= n ? 1 : betaQuantile(1 - tail, k + 1, n - k);
}

/** Bisection: monotone, and 60 halvings are exact enough for a probability. */
function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (betaI(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// Rounded up: the claim must never say more than was shown.
const percent = (share: number): string => (Math.ceil(share * 1000 - 1e-9) / 10).toString();
