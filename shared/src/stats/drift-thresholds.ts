import type { FeatureProfile } from '../release/index.ts';
import { noncentralChiSquareIsf } from './noncentral-chi-square.ts';
import { BASE_WINDOW, WINDOW_LEVELS } from './window-pyramid.ts';

/** Samples that may decide in a month, whatever the traffic: one in ten seconds. */
export const MONTHLY_DECISIONS = 260_000;
/** Chance of one false alarm of one feature in a month, if it were as far from its reference as is tolerated. */
const MONTHLY_ALPHA = 3e-4;
const LOOKS = MONTHLY_DECISIONS / BASE_WINDOW;
const ALPHA = MONTHLY_ALPHA / WINDOW_LEVELS / LOOKS;
/** A shift so small that nobody wants to hear of it, as a stability index. */
const TOLERATED_PSI = 0.005;

/**
 * G above which a full window of 128, 256 … 16 384 samples is an alarm, one per level: with as many looks as a month has,
 * the chance of a false one is split evenly over levels and looks (as if windows that overlap were strangers). Under a shift of TOLERATED_PSI G is noncentral
 * chi-square with B − 1 degrees of freedom and TOLERATED_PSI / (1/m + 1/n), m and n being the samples of reference and
 * window.
 */
export function driftThresholds(profile: Pick<FeatureProfile, 'counts' | 'stride'>): number[] {
  const { counts, stride = 1 } = profile;
  const m = counts.reduce((sum, count) => sum + count, 0) / stride;
  if (m === 0) return [];
  const df = Math.max(1, counts.length - 1);
  return Array.from({ length: WINDOW_LEVELS }, (_, level) => {
    const n = BASE_WINDOW * 2 ** level;
    const threshold = noncentralChiSquareIsf(ALPHA, df, TOLERATED_PSI / (1 / m + 1 / n));
    return Number(threshold.toPrecision(6));
  });
}
