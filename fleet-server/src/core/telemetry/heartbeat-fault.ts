import type { ErrorCode } from '@ringfleet/shared/errors';
import {
  type FeatureCounts,
  type FeatureDrift,
  LATENCY_BOUNDS_US,
  type ModelTelemetry,
  type RunningDigest,
  type Telemetry,
} from '@ringfleet/shared/protocol';
import type { ReleaseShape } from './release-shape.ts';

/**
 * More than a device counts in all its life. A sum of thousands of such heartbeats is still an exact number, so no single
 * report can spoil what it is added to.
 */
export const MOST_COUNTED = 1e12;

/** What is known of a release that a device says it runs; `unknown`: nobody published it here. */
export type Released = ReleaseShape | 'unreadable' | 'unknown';
export type ReleasedAs = (model: string, running: RunningDigest) => Released;

export interface Fault {
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * What in a heartbeat that fits its schema cannot be: counts that contradict each other or the release's profile. Only what
 * no agent, of whatever age and however often restarted, can truly have counted. Null when there is nothing.
 */
export function heartbeatFault(body: Telemetry, releasedAs: ReleasedAs): Fault | null {
  for (const model of body.models) {
    const found = modelFault(model, model.running ? releasedAs(model.model, model.running) : 'unknown');
    if (found) return { ...found, reason: `${model.model}: ${found.reason}` };
  }
  return null;
}

function modelFault(model: ModelTelemetry, released: Released): Fault | null {
  const { latencyUs, classes = [], confidence = [], degraded = 0, features, psi = [] } = model;
  const most = Math.max(...singleCounts(model), ...latencyUs, ...classes, ...confidence);
  if (most > MOST_COUNTED) return tooLarge(most);
  if (latencyUs.length > LATENCY_BOUNDS_US.length + 1) {
    return inconsistent(`latency has ${latencyUs.length} bins, there are ${LATENCY_BOUNDS_US.length + 1}`);
  }
  const answered = sum(latencyUs);
  if (degraded > answered) return inconsistent(`${degraded} of ${answered} answers were degraded`);
  if (sum(confidence) > sum(classes)) {
    return inconsistent(`${sum(confidence)} confidences of ${sum(classes)} predictions`);
  }
  const twice = features.find(({ name }, i) => features.findIndex((one) => one.name === name) !== i);
  if (twice) return inconsistent(`feature ${twice.name} is there twice`);
  for (const feature of features) {
    const found = featureFault(feature);
    if (found) return found;
  }
  const impossible = psi.find((drift) => !isPossible(drift));
  if (impossible) return inconsistent(`the drift of ${impossible.name} is no distance`);
  return typeof released === 'string' ? null : profileFault(model, released);
}

function featureFault({
  name,
  bins,
  missing,
  nonFinite,
  outOfRange,
  violations,
}: FeatureCounts): Fault | null {
  const most = Math.max(missing, nonFinite, outOfRange, ...bins, ...Object.values(violations ?? {}));
  if (most > MOST_COUNTED) return tooLarge(most);
  const counted = sum(bins);
  return outOfRange > counted
    ? inconsistent(`${outOfRange} of ${counted} values of feature ${name} were out of range`)
    : null;
}

/** Against the manifest: bins are those of its profile, and features of one input have seen the same rows. */
function profileFault(
  { features, classes, confidence, psi = [] }: ModelTelemetry,
  shape: ReleaseShape,
): Fault | null {
  const byInput = new Map<string, FeatureCounts[]>();
  for (const feature of features) {
    const { name, bins } = feature;
    const known = shape.features.get(name);
    if (!known) return notOfProfile(`it has no feature ${name}`);
    if (bins.length !== known.bins) {
      return notOfProfile(`feature ${name} has ${known.bins} bins, not ${bins.length}`);
    }
    if (known.bins === 0) continue;
    const others = byInput.get(known.input);
    if (others) others.push(feature);
    else byInput.set(known.input, [feature]);
  }
  if (classes && classes.length !== shape.classes) {
    return notOfProfile(`it has ${shape.classes} classes, not ${classes.length}`);
  }
  if (confidence && confidence.length !== shape.confidence) {
    return notOfProfile(`confidence has ${shape.confidence} bins, not ${confidence.length}`);
  }
  const stray = psi.find(({ name }) => name !== 'confidence' && !shape.features.has(name));
  if (stray) return notOfProfile(`it has no feature ${stray.name}`);
  for (const together of byInput.values()) {
    const found = rowsFault(together);
    if (found) return found;
  }
  return null;
}

/** Every row holds one value of each feature; one that is not finite may have been counted of a refused row. */
function rowsFault(features: readonly FeatureCounts[]): Fault | null {
  const rows = Math.max(...features.map(({ bins, missing }) => sum(bins) + missing));
  const short = features.find(({ bins, missing, nonFinite }) => sum(bins) + missing + nonFinite < rows);
  return short
    ? inconsistent(`the bins of feature ${short.name} do not sum to the ${rows} rows of others`)
    : null;
}

/** Rounding may leave a distance of zero a little below it. */
function isPossible({ value, g = 0, js = 0, ks = 0 }: FeatureDrift): boolean {
  const least = -1e-6;
  return (
    value >= least && g >= least && [js, ks].every((distance) => distance >= least && distance <= 1 + 1e-6)
  );
}

const singleCounts = (model: ModelTelemetry): readonly number[] => [
  model.answers,
  model.failures,
  model.rejected,
  model.fallbacks,
  model.runnerRestarts,
  model.degraded ?? 0,
];

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

const inconsistent = (reason: string): Fault => ({ code: 'REPORT_COUNTS_INCONSISTENT', reason });
const tooLarge = (count: number): Fault => ({
  code: 'REPORT_COUNTS_TOO_LARGE',
  reason: `${count} is more than a device can count`,
});
const notOfProfile = (reason: string): Fault => ({ code: 'REPORT_NOT_OF_PROFILE', reason });
