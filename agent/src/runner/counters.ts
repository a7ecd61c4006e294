import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import type { Manifest } from '@ringfleet/shared/release';
import { type Drift, histogramBin, predictionsOf, WatchedNumber } from '@ringfleet/shared/stats';
import { numbersOf, type Tensor } from '@ringfleet/shared/v2';
import { type RunnerAlarm, type RunnerCounts, SCORE_BINS } from '../ports/runtime.ts';
import { createFeatureWatch, type Seen } from './feature-watch.ts';
import { RequestWatch } from './request-watch.ts';

const MAX_ALARMS = 64;

/** What the runner counts of live requests. Samples of checks never enter. */
export interface Counters {
  /** Looks at a request that fits the model, before it runs. Throws FEATURE_* for a value that its feature rejects. */
  check(inputs: readonly Tensor[]): Seen;
  answered(seen: Seen, outputs: readonly Tensor[], computeUs: number): void;
  failed(code: string): void;
  /** `inputs` only when they fit the schema but for values that are not finite: those are counted per feature. */
  rejected(inputs?: readonly Tensor[]): void;
  read(): RunnerCounts;
}

export function createCounters(manifest: Manifest): Counters {
  const totals = { answers: 0, failures: 0, rejected: 0, nonFiniteOutputs: 0, degraded: 0 };
  const latencyUs = new Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);
  const features = createFeatureWatch(manifest);
  const requests = new RequestWatch(manifest.requests ?? {}, now());
  const { labels } = manifest;
  const classes = labels ? new Array<number>(labels.names.length).fill(0) : undefined;
  const sureness = labels ? new Array<number>(SCORE_BINS).fill(0) : undefined;
  const confidence = manifest.profile?.confidence && new WatchedNumber(manifest.profile.confidence);

  const countOutputs = (outputs: readonly Tensor[]): void => {
    const scores = outputs.find((output) => output.name === labels?.output);
    if (!classes || !scores || scores.datatype === 'BYTES') return;
    for (const prediction of predictionsOf(numbersOf(scores), classes.length)) {
      classes[prediction.index] = (classes[prediction.index] as number) + 1;
      confidence?.add(prediction.confidence, now());
      if (sureness) {
        const bin = Math.min(SCORE_BINS - 1, Math.floor(prediction.confidence * SCORE_BINS));
        sureness[bin] = (sureness[bin] ?? 0) + 1;
      }
    }
  };

  const alarms = (): RunnerAlarm[] => {
    const nowMs = now();
    const ofConfidence = (confidence?.alarms(nowMs) ?? []).map((one) => ({ name: 'confidence', ...one }));
    return [...requests.alarms(nowMs), ...ofConfidence, ...features.alarms(nowMs)]
      .map((alarm) => ({ ...alarm, value: fourDigits(alarm.value), ageMs: Math.round(alarm.ageMs) }))
      .toSorted((a, b) => b.ageMs - a.ageMs)
      .slice(0, MAX_ALARMS);
  };

  return {
    check: (inputs) => features.check(inputs),
    answered(seen, outputs, computeUs) {
      const nowMs = now();
      totals.answers += 1;
      requests.add(nowMs);
      if (seen.degraded.length > 0) totals.degraded += 1;
      const bin = histogramBin(LATENCY_BOUNDS_US, computeUs);
      latencyUs[bin] = (latencyUs[bin] as number) + 1;
      features.count(seen, nowMs);
      countOutputs(outputs);
    },
    failed(code) {
      totals.failures += 1;
      requests.add(now());
      if (code === 'NON_FINITE_OUTPUT') totals.nonFiniteOutputs += 1;
    },
    rejected(inputs) {
      totals.rejected += 1;
      requests.add(now());
      if (inputs) features.countNonFinite(inputs, now());
    },
    read: () => ({
      ...totals,
      latencyUs: [...latencyUs],
      features: features.read(),
      psi: features.watched.flatMap(({ name, number }) => {
        const drift = number.drift();
        return drift ? [{ name, ...shown(drift) }] : [];
      }),
      alarms: alarms(),
      ...(classes ? { classes: [...classes] } : {}),
      ...(sureness ? { scores: [...sureness] } : {}),
      ...(confidence ? { confidence: [...confidence.counter.bins] } : {}),
      rssBytes: process.memoryUsage.rss(),
    }),
  };
}

/** Of this process; goes forward whatever happens to the system's clock. */
const now = (): number => performance.now();

/** Four digits: the rest is noise, and would be bytes of every heartbeat. */
const shown = ({ value, samples, g, js, ks }: Drift): Drift => ({
  value: fourDigits(value),
  samples,
  g: fourDigits(g),
  js: fourDigits(js),
  ...(ks === undefined ? {} : { ks: fourDigits(ks) }),
});

const fourDigits = (x: number): number => Number(x.toPrecision(4));
