import { describe, expect, it } from 'vitest';
import type { GroupBucket } from '../../ports/telemetry.ts';
import { healthRow, healthRows } from './health.ts';
import { NO_COUNTS } from './model-counts.ts';

const bucket = (changes: Partial<GroupBucket>, counts = {}): GroupBucket => ({
  ring: 'canary',
  site: 'eu',
  hardware: 'x64/cpu',
  digest: 'd',
  version: '1.0.0',
  startMs: 0,
  ...changes,
  counts: { ...NO_COUNTS, reports: 1, ...counts },
});

describe('health', () => {
  it('sums by what is asked for', () => {
    const buckets = [
      bucket({}, { answers: 5 }),
      bucket({ ring: 'fleet', startMs: 1 }, { answers: 7, failures: 1 }),
      bucket({ ring: 'fleet', version: '1.1.0' }, { answers: 1 }),
    ];
    const shown = (by: 'ring' | 'release' | 'site') =>
      healthRows(buckets, by).map(({ key, answers, failures }) => [key, answers, failures]);
    expect(shown('ring')).toEqual([
      ['canary', 5, 0],
      ['fleet', 8, 1],
    ]);
    expect(shown('release')).toEqual([
      ['1.0.0', 12, 1],
      ['1.1.0', 1, 0],
    ]);
    expect(shown('site')).toEqual([['eu', 13, 1]]);
  });

  it('says no rate and no latency where nothing was asked', () => {
    expect(healthRow('a', { ...NO_COUNTS, reports: 3 })).toMatchObject({
      failuresPerThousand: null,
      latency: null,
    });
  });

  it('gives failures of 1 000 requests with what so many requests can show', () => {
    const { failuresPerThousand } = healthRow('a', { ...NO_COUNTS, answers: 298, failures: 2, rejected: 50 });
    expect(failuresPerThousand?.value).toBeCloseTo(6.667, 3);
    // R: binom.test(2, 300)$conf.int
    expect(failuresPerThousand?.lower).toBeCloseTo(0.808, 3);
    expect(failuresPerThousand?.upper).toBeCloseTo(23.872, 2);
  });

  it('tells latency by the bounds that hold it, and none for what is slower than all', () => {
    const latencyUs = [0, 50, 44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
    expect(healthRow('a', { ...NO_COUNTS, latencyUs }).latency).toEqual({
      p50AtMostUs: 250,
      p95AtMostUs: 1_000,
      p99AtMostUs: null,
    });
  });
});
