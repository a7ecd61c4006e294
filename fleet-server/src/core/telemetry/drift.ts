import type { FeatureCounts } from '@ringfleet/shared/protocol';
import type { FeatureProfile, Manifest } from '@ringfleet/shared/release';
import { psi } from '@ringfleet/shared/stats';
import type { GroupBucket } from '../../ports/telemetry.ts';
import { type GroupedBy, sumBy } from './health.ts';
import type { ModelCounts } from './model-counts.ts';

/** Fewer values say nothing that one may look at. */
export const FEWEST_SAMPLES = 128;

/** How one feature of one release, in one group, lies against what it is compared with. */
export interface DriftCell {
  readonly feature: string;
  /** `noData` and `tooFew` are states of their own: they are not "no drift". */
  readonly state: 'noData' | 'tooFew' | 'notComparable' | 'measured';
  readonly samples: number;
  /** Population stability index; null unless measured. */
  readonly psi: number | null;
  /** Shares of all values seen, 0 to 1; null without values. */
  readonly missing: number | null;
  readonly nonFinite: number | null;
  readonly outOfRange: number | null;
  readonly bins: readonly number[];
}

export interface DriftRow {
  readonly key: string;
  readonly reports: number;
  readonly features: readonly DriftCell[];
}

/** What is compared with: bins as counts, by the edges they were counted by. */
export interface DriftReference {
  readonly kind: 'profile' | 'release';
  readonly features: readonly FeatureProfile[];
}

export const profileReference = (manifest: Manifest): DriftReference => ({
  kind: 'profile',
  features: manifest.profile?.features ?? [],
});

/** What another release counts now. Only bins with the same edges can be compared. */
export function releaseReference(manifest: Manifest, counts: ModelCounts): DriftReference {
  const features = (manifest.profile?.features ?? []).map((profile) => ({
    ...profile,
    counts: [...(counts.features.find(({ name }) => name === profile.name)?.bins ?? [])],
  }));
  return { kind: 'release', features };
}

/**
 * Every feature of the release's profile in every group. The profile comes from the release's signed manifest, so nobody
 * on the way can move what drift is measured against.
 */
export function driftRows(
  manifest: Manifest,
  buckets: readonly GroupBucket[],
  by: GroupedBy,
  reference: DriftReference,
): readonly DriftRow[] {
  const profiles = manifest.profile?.features ?? [];
  return [...sumBy(buckets, by)].map(([key, counts]) => ({
    key,
    reports: counts.reports,
    features: profiles.map((profile) =>
      cellOf(
        profile,
        counts.features.find(({ name }) => name === profile.name),
        reference.features.find(({ name }) => name === profile.name),
      ),
    ),
  }));
}

function cellOf(
  profile: FeatureProfile,
  counts: FeatureCounts | undefined,
  reference: FeatureProfile | undefined,
): DriftCell {
  const bins = counts?.bins ?? [];
  const samples = sum(bins);
  const seen = samples + (counts?.missing ?? 0) + (counts?.nonFinite ?? 0);
  const share = (count = 0): number | null => (seen === 0 ? null : count / seen);
  const isComparable = reference !== undefined && hasSameBins(profile, reference, bins.length);
  const state = stateOf(seen, samples, isComparable, sum(reference?.counts ?? []));
  return {
    feature: profile.name,
    state,
    samples,
    psi: state === 'measured' && reference ? psi(reference.counts, bins) : null,
    missing: share(counts?.missing),
    nonFinite: share(counts?.nonFinite),
    outOfRange: share(counts?.outOfRange),
    bins,
  };
}

function stateOf(
  seen: number,
  samples: number,
  isComparable: boolean,
  referenceSamples: number,
): DriftCell['state'] {
  if (seen === 0) return 'noData';
  if (samples < FEWEST_SAMPLES) return 'tooFew';
  if (!isComparable) return 'notComparable';
  return referenceSamples < FEWEST_SAMPLES ? 'tooFew' : 'measured';
}

const hasSameBins = (a: FeatureProfile, b: FeatureProfile, bins: number): boolean =>
  sameNumbers(a.edges, b.edges) && sameNumbers(a.values, b.values) && b.counts.length === bins;

const sameNumbers = (a: readonly number[] = [], b: readonly number[] = []): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
