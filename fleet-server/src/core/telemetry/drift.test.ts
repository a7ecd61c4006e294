import type { Manifest } from '@ringfleet/shared/release';
import { describe, expect, it } from 'vitest';
import type { GroupBucket } from '../../ports/telemetry.ts';
import { driftRows, profileReference, releaseReference } from './drift.ts';
import { NO_COUNTS } from './model-counts.ts';

const profile = (name: string, edges: number[], counts: number[]) => ({
  name,
  edges,
  counts,
  mean: 0,
  standardDeviation: 1,
  min: 0,
  max: 1,
});
const manifestWith = (...features: ReturnType<typeof profile>[]): Manifest =>
  ({ profile: { samples: 1_000, features } }) as unknown as Manifest;
const counted = (name: string, bins: number[], more = {}) => ({
  ...NO_COUNTS,
  reports: 1,
  features: [{ name, bins, missing: 0, nonFinite: 0, outOfRange: 0, ...more }],
});
const bucket = (ring: string, counts: GroupBucket['counts']): GroupBucket => ({
  ring,
  site: '',
  hardware: '',
  digest: 'd',
  version: '1.0.0',
  startMs: 0,
  counts,
});

describe('drift of a fleet', () => {
  const manifest = manifestWith(profile('x', [0], [500, 500]), profile('y', [0], [500, 500]));
  const row = (counts: GroupBucket['counts'], reference = profileReference(manifest)) =>
    driftRows(manifest, [bucket('canary', counts)], 'ring', reference)[0]?.features[0];

  it('is measured feature by feature, where it was counted', () => {
    const buckets = [
      bucket('canary', counted('x', [500, 500])),
      bucket('fleet', counted('x', [900, 100])),
      bucket('fleet', counted('x', [100, 0])),
    ];
    const rows = driftRows(manifest, buckets, 'ring', profileReference(manifest));
    expect(rows.map(({ key, reports }) => [key, reports])).toEqual([
      ['canary', 1],
      ['fleet', 2],
    ]);
    const [canary, fleet] = rows.map(({ features }) => features[0]);
    expect(canary).toMatchObject({ state: 'measured', samples: 1_000, psi: 0 });
    // (1000.5/1101 - .5) ln(1000.5/1101/.5) + (100.5/1101 - .5) ln(100.5/1101/.5)
    expect(fleet?.psi).toBeCloseTo(0.93929, 4);
    expect(fleet).toMatchObject({ samples: 1_100, bins: [1_000, 100] });
  });

  it('tells no data and too little from no drift', () => {
    expect(row(NO_COUNTS)).toMatchObject({ state: 'noData', psi: null, missing: null });
    expect(row(counted('x', [100, 27]))).toMatchObject({ state: 'tooFew', psi: null, missing: 0 });
    expect(row(counted('x', [64, 64]))).toMatchObject({ state: 'measured' });
  });

  it('shares out what is missing, not a number and out of range', () => {
    expect(row(counted('x', [70, 10], { missing: 15, nonFinite: 5, outOfRange: 8 }))).toMatchObject({
      missing: 0.15,
      nonFinite: 0.05,
      outOfRange: 0.08,
    });
  });

  it('compares with what another release counts, if both count in the same bins', () => {
    const other = (edges: number[]) =>
      releaseReference(manifestWith(profile('x', edges, [1, 1])), counted('x', [900, 100]));
    expect(row(counted('x', [900, 100]), other([0]))).toMatchObject({ state: 'measured', psi: 0 });
    expect(row(counted('x', [900, 100]), other([1]))).toMatchObject({ state: 'notComparable', psi: null });
    const empty = releaseReference(manifestWith(profile('x', [0], [1, 1])), counted('x', [1, 1]));
    expect(row(counted('x', [900, 100]), empty)).toMatchObject({ state: 'tooFew' });
  });
});
