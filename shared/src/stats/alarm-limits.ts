import type { FeatureProfile } from '../release/index.ts';
import { LagOneCorrelation, strideOf } from './decision-stride.ts';
import { driftThresholds, MONTHLY_DECISIONS } from './drift-thresholds.ts';

/** Chance that one feature's run of equal values is taken for a stuck sensor in a month. */
const STUCK_ALPHA = 1e-5;
const SHORTEST_RUN = 10;
/** A number that repeats itself more often than this cannot be told from one that is stuck. */
const MAX_REPEATS = 0.95;
/** How much longer than anything in the training data a run has to be. */
const RUN_FACTOR = 3;

export interface ReferenceNature {
  /** Whether values follow each other as they will on a device. */
  readonly isOrdered: boolean;
  /** Whether equal values in a row can mean that something hangs: so for inputs, not for a model that is sure. */
  readonly canStick: boolean;
}

/** The profile with what its alarms are decided by; `values` are those it was made of, in their order. */
export function withAlarmLimits(
  profile: FeatureProfile,
  values: ArrayLike<number>,
  nature: ReferenceNature,
): FeatureProfile {
  const stride = nature.isOrdered ? strideOf(correlationOf(values)) : 1;
  const stuckAfter = nature.canStick ? longestRunOf(profile, values, nature.isOrdered) : undefined;
  const strided = stride > 1 ? { ...profile, stride } : profile;
  return {
    ...strided,
    thresholds: driftThresholds(strided),
    ...(stuckAfter === undefined ? {} : { stuckAfter }),
  };
}

function correlationOf(values: ArrayLike<number>): number {
  const correlation = new LagOneCorrelation();
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) correlation.add(values[i] as number);
  }
  return correlation.value;
}

/** Equal values in a row that no month of such data has, or undefined where they would say nothing. */
function longestRunOf(
  profile: FeatureProfile,
  values: ArrayLike<number>,
  isOrdered: boolean,
): number | undefined {
  // A few distinct values repeat themselves for as long as the world does; only their order tells how long that is.
  if (!isOrdered && profile.values) return undefined;
  const { repeats, longest } = isOrdered ? runsOf(values) : { repeats: chanceOfEqual(values), longest: 1 };
  if (repeats > MAX_REPEATS || values.length < 2) return undefined;
  const rarest = Math.max(repeats, 1 / values.length);
  const byChance = Math.ceil(Math.log(STUCK_ALPHA / MONTHLY_DECISIONS) / Math.log(rarest));
  return Math.max(SHORTEST_RUN, byChance, RUN_FACTOR * longest);
}

function runsOf(values: ArrayLike<number>): { repeats: number; longest: number } {
  let equal = 0;
  let run = 1;
  let longest = 1;
  for (let i = 1; i < values.length; i++) {
    run = values[i] === values[i - 1] ? run + 1 : 1;
    if (run > 1) equal += 1;
    longest = Math.max(longest, run);
  }
  return { repeats: equal / Math.max(1, values.length - 1), longest };
}

/** That two values drawn from the data are the same. */
function chanceOfEqual(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  let chance = 0;
  for (const count of counts.values()) chance += (count / values.length) ** 2;
  return chance;
}
