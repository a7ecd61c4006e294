import type { Runner, RunnerCounts } from '../../ports/runtime.ts';
import type { Exposition, Labels } from './exposition.ts';

/** What runners counted of their features. As many series as a release has features, 256 at most, times a few reasons. */
export function featureMetrics(out: Exposition, counts: ReadonlyMap<Runner, RunnerCounts>): void {
  const loaded = [...counts].map(([{ spec }, counted]) => ({
    labels: { model: spec.model, version: spec.version },
    counted,
  }));
  const each = (samples: (counted: RunnerCounts) => readonly (readonly [Labels, number])[]) =>
    loaded.flatMap(({ labels, counted }) =>
      samples(counted).map(([more, value]) => [{ ...labels, ...more }, value] as const),
    );
  out.family(
    'ringfleet_feature_violations_total',
    'counter',
    "Values that broke their feature's schema, by reason; of refused requests too.",
    each(({ features }) =>
      features.flatMap(({ name: feature, violations = {} }) =>
        Object.entries(violations).map(([reason, count]) => [{ feature, reason }, count] as const),
      ),
    ),
  );
  out.family(
    'ringfleet_feature_bad_values_total',
    'counter',
    'Values that were missing, not finite, or outside of what the reference held.',
    each(({ features }) =>
      features.flatMap(({ name: feature, missing, nonFinite, outOfRange }) =>
        Object.entries({ missing, nonFinite, outOfRange }).map(
          ([kind, count]) => [{ feature, kind }, count] as const,
        ),
      ),
    ),
  );
  out.family(
    'ringfleet_watch_alarm',
    'gauge',
    'Alarms that are raised now: drift, stuck, missing, of requests stale and rate.',
    each(({ alarms = [] }) => alarms.map(({ kind, name: feature = '' }) => [{ kind, feature }, 1] as const)),
  );
  for (const [what, name, help] of DRIFTS) {
    out.family(
      `ringfleet_feature_${name}`,
      'gauge',
      `${help}, over the feature's largest full window.`,
      each(({ psi = [] }) =>
        psi.flatMap((drift) =>
          drift[what] === undefined ? [] : [[{ feature: drift.name }, drift[what]] as const],
        ),
      ),
    );
  }
}

const DRIFTS = [
  ['value', 'psi', 'Population stability index against the reference'],
  ['js', 'js_distance', 'Jensen-Shannon distance from the reference'],
  ['ks', 'ks_distance', 'Kolmogorov-Smirnov distance from the reference, between bins'],
  ['samples', 'window_samples', 'Samples that the figures of drift are over'],
] as const;
