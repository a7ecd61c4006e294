import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { FeatureSpec, Manifest, TensorSpec } from '@ringfleet/shared/release';
import {
  ExpectationCheck,
  featureValues,
  MissingAlarm,
  type Violation,
  WatchedNumber,
} from '@ringfleet/shared/stats';
import { type DegradedValue, numbersOf, rounderOf, samplesIn, type Tensor } from '@ringfleet/shared/v2';
import type { FeatureCount, RunnerAlarm } from '../ports/runtime.ts';

/** The watched values of one request, and what of them its features do not allow but let pass. */
export interface Seen {
  /** Per feature, one value a sample. */
  readonly values: readonly ArrayLike<number>[];
  readonly degraded: readonly DegradedValue[];
  /** Whether all values are finite and as their features' schemas say: only then a failure is the release's. */
  readonly isSound: boolean;
}

export interface FeatureWatch {
  readonly watched: readonly { readonly name: string; readonly number: WatchedNumber }[];
  /** Checks a request whose tensors fit the model. Throws FEATURE_* for the first value that its feature rejects. */
  check(inputs: readonly Tensor[]): Seen;
  /** Counts the values of an answered request. */
  count(seen: Seen, nowMs: number): void;
  /** Counts what is not finite in a request that was refused for it. */
  countNonFinite(inputs: readonly Tensor[], nowMs: number): void;
  alarms(nowMs: number): RunnerAlarm[];
  read(): FeatureCount[];
}

interface Feature {
  readonly spec: FeatureSpec;
  readonly input: TensorSpec;
  readonly number: WatchedNumber | undefined;
  readonly check: ExpectationCheck | undefined;
  readonly violations: Record<Violation, number>;
  /** Missing values, refused ones too, against what the release bears. */
  readonly gaps: MissingAlarm;
  gapsSinceMs: number | undefined;
  nonFinite: number;
  missing: number;
}

const CODES: Readonly<Record<Violation, ErrorCode>> = {
  missing: 'FEATURE_MISSING',
  outOfRange: 'FEATURE_OUT_OF_RANGE',
  unknownCategory: 'FEATURE_UNKNOWN_CATEGORY',
  wrongType: 'FEATURE_WRONG_TYPE',
};

/** The features of a manifest that have a reference or a schema: looked at on every request, in plain additions. */
export function createFeatureWatch(manifest: Manifest): FeatureWatch {
  const features = featuresOf(manifest);
  const read = valueReader(features);
  return {
    watched: features.flatMap(({ spec: { name }, number }) => (number ? [{ name, number }] : [])),
    check: (inputs) => {
      const values = read(inputs);
      const degraded: DegradedValue[] = [];
      let refusal: CodedError | undefined;
      let isSound = true;
      for (const [i, feature] of features.entries()) {
        const { check, spec, violations } = feature;
        if (!check) continue;
        const rows = values[i] as ArrayLike<number>;
        for (let row = 0; row < rows.length; row++) {
          const x = rows[row] as number;
          const violation = check.of(x);
          // Missing values that may be are no fault, but nothing a release has to cope with either.
          if (violation || Number.isNaN(x)) isSound = false;
          if (!violation) continue;
          violations[violation] += 1;
          if (spec.expect?.onViolation === 'degrade') {
            degraded.push({ feature: spec.name, reason: violation, row });
          } else if (spec.expect?.onViolation === 'reject') {
            refusal ??= refusalOf(feature, check.inWords(violation, x), violation, row);
          }
        }
      }
      if (refusal) throw refusal;
      return { values, degraded, isSound };
    },
    count: ({ values }, nowMs) => {
      for (const [i, feature] of features.entries()) {
        const rows = values[i] as ArrayLike<number>;
        for (let row = 0; row < rows.length; row++) {
          const x = rows[row] as number;
          const isMissing = Number.isNaN(x);
          feature.gaps.add(isMissing);
          if (isMissing) feature.missing += 1;
          else feature.number?.add(x, nowMs);
        }
        date(feature, nowMs);
      }
    },
    countNonFinite: (inputs, nowMs) => {
      for (const [i, rows] of read(inputs).entries()) {
        const feature = features[i] as Feature;
        for (let row = 0; row < rows.length; row++) {
          const isThere = Number.isFinite(rows[row]);
          feature.gaps.add(!isThere);
          if (!isThere) feature.nonFinite += 1;
        }
        date(feature, nowMs);
      }
    },
    alarms: (nowMs) => features.flatMap((feature) => alarmsOf(feature, nowMs)),
    read: () =>
      features.map(({ spec: { name }, number, check, missing, nonFinite, violations }) => ({
        name,
        bins: [...(number?.counter.bins ?? [])],
        missing,
        nonFinite: nonFinite + (number?.counter.nonFinite ?? 0),
        outOfRange: number?.counter.outOfRange ?? 0,
        ...(check ? { violations: { ...violations } } : {}),
      })),
  };
}

function featuresOf(manifest: Manifest): Feature[] {
  return manifest.features.flatMap((spec) => {
    const profile = manifest.profile?.features.find((candidate) => candidate.name === spec.name);
    const input = manifest.inputs.find((candidate) => candidate.name === spec.input);
    if (!input || input.datatype === 'BYTES' || !(profile || spec.expect)) return [];
    return [
      {
        spec,
        input,
        number: profile && new WatchedNumber(profile),
        check: spec.expect && new ExpectationCheck(spec.expect, rounderOf(input.datatype)),
        violations: { missing: 0, outOfRange: 0, unknownCategory: 0, wrongType: 0 },
        gaps: new MissingAlarm(spec.expect?.missing ?? 0),
        gapsSinceMs: undefined,
        nonFinite: 0,
        missing: 0,
      },
    ];
  });
}

function date(feature: Feature, nowMs: number): void {
  if (feature.gaps.raised === undefined) feature.gapsSinceMs = undefined;
  else feature.gapsSinceMs ??= nowMs;
}

function alarmsOf({ spec: { name }, number, gaps, gapsSinceMs }: Feature, nowMs: number): RunnerAlarm[] {
  const alarms: RunnerAlarm[] = (number?.alarms(nowMs) ?? []).map((alarm) => ({ name, ...alarm }));
  const { raised: value, limit } = gaps;
  if (value !== undefined)
    alarms.push({ kind: 'missing', name, value, limit, ageMs: nowMs - (gapsSinceMs ?? nowMs) });
  return alarms;
}

/** Reads each tensor once, however many features it holds. */
function valueReader(features: readonly Feature[]) {
  return (inputs: readonly Tensor[]): ArrayLike<number>[] => {
    const numbers = new Map<Tensor, ArrayLike<number>>();
    return features.map(({ spec, input }) => {
      const tensor = inputs.find((candidate) => candidate.name === spec.input);
      if (!tensor) return [];
      const values = numbers.get(tensor) ?? numbersOf(tensor);
      numbers.set(tensor, values);
      return featureValues(spec, values, samplesIn(input, tensor.shape));
    });
  };
}

function refusalOf({ spec }: Feature, words: string, violation: Violation, row: number): CodedError {
  return new CodedError(CODES[violation], `feature ${spec.name}, row ${row}: the value ${words}`);
}
