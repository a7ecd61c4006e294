import { LATENCY_BOUNDS_US } from '@ringfleet/shared/protocol';
import type { Manifest } from '@ringfleet/shared/release';
import { featureValues, histogramBin, predictionsOf, WatchedNumber } from '@ringfleet/shared/stats';
import { numbersOf, samplesIn, type Tensor } from '@ringfleet/shared/v2';
import { type RunnerCounts, SCORE_BINS } from '../ports/runtime.ts';

/** What the runner counts of live requests. Samples of checks never enter. */
export interface Counters {
  answered(inputs: readonly Tensor[], outputs: readonly Tensor[], computeUs: number): void;
  failed(code: string): void;
  /** `inputs` only when they fit the schema but for values that are not finite: those are counted per feature. */
  rejected(inputs?: readonly Tensor[]): void;
  read(): RunnerCounts;
}

export function createCounters(manifest: Manifest): Counters {
  const totals = { answers: 0, failures: 0, rejected: 0, nonFiniteOutputs: 0 };
  const latencyUs = new Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);
  const features = watchedFeatures(manifest);
  const { labels } = manifest;
  const classes = labels ? new Array<number>(labels.names.length).fill(0) : undefined;
  const sureness = labels ? new Array<number>(SCORE_BINS).fill(0) : undefined;
  const confidence = manifest.profile?.confidence && new WatchedNumber(manifest.profile.confidence);

  const countOutputs = (outputs: readonly Tensor[]): void => {
    const scores = outputs.find((output) => output.name === labels?.output);
    if (!classes || !scores || scores.datatype === 'BYTES') return;
    for (const prediction of predictionsOf(numbersOf(scores), classes.length)) {
      classes[prediction.index] = (classes[prediction.index] as number) + 1;
      confidence?.add(prediction.confidence);
      if (sureness) {
        const bin = Math.min(SCORE_BINS - 1, Math.floor(prediction.confidence * SCORE_BINS));
        sureness[bin] = (sureness[bin] ?? 0) + 1;
      }
    }
  };

  return {
    answered(inputs, outputs, computeUs) {
      totals.answers += 1;
      const bin = histogramBin(LATENCY_BOUNDS_US, computeUs);
      latencyUs[bin] = (latencyUs[bin] as number) + 1;
      for (const { watched, values } of features) for (const value of values(inputs)) watched.add(value);
      countOutputs(outputs);
    },
    failed(code) {
      totals.failures += 1;
      if (code === 'NON_FINITE_OUTPUT') totals.nonFiniteOutputs += 1;
    },
    rejected(inputs = []) {
      totals.rejected += 1;
      for (const { watched, values } of features) {
        for (const value of values(inputs)) if (!Number.isFinite(value)) watched.counter.nonFinite += 1;
      }
    },
    read: () => ({
      ...totals,
      latencyUs: [...latencyUs],
      features: features.map(({ name, watched: { counter } }) => ({
        name,
        bins: [...counter.bins],
        missing: counter.missing,
        nonFinite: counter.nonFinite,
        outOfRange: counter.outOfRange,
      })),
      psi: features.flatMap(({ name, watched }) => {
        const current = watched.psi();
        return current ? [{ name, ...current }] : [];
      }),
      ...(classes ? { classes: [...classes] } : {}),
      ...(sureness ? { scores: [...sureness] } : {}),
      ...(confidence ? { confidence: [...confidence.counter.bins] } : {}),
      rssBytes: process.memoryUsage.rss(),
    }),
  };
}

function watchedFeatures(manifest: Manifest) {
  return manifest.features.flatMap((feature) => {
    const profile = manifest.profile?.features.find((candidate) => candidate.name === feature.name);
    const spec = manifest.inputs.find((input) => input.name === feature.input);
    if (!profile || !spec || spec.datatype === 'BYTES') return [];
    const values = (inputs: readonly Tensor[]): Iterable<number> => {
      const input = inputs.find((candidate) => candidate.name === feature.input);
      return input ? featureValues(feature, numbersOf(input), samplesIn(spec, input.shape)) : [];
    };
    return [{ name: feature.name, watched: new WatchedNumber(profile), values }];
  });
}
