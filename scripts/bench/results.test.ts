import { describe, expect, it } from 'vitest';
import { joined, median, percentile } from './percentiles.ts';
import { atLeast, atMost, info, tableOf } from './results.ts';

describe('results', () => {
  it('are judged by the measured value, not by the rounded one', () => {
    expect(atMost('p50', 250.04, 250, 'us')).toMatchObject({ value: 250, bound: '<= 250', ok: false });
    expect(atLeast('ratio', 5, 5, 'x')).toMatchObject({ ok: true });
    expect(info('rate', 12_345.678, '1/s')).toMatchObject({ value: 12_350, bound: null, ok: null });
  });

  it('show a missed bound in the table', () => {
    const table = tableOf([atMost('p50', 300, 250, 'us'), info('rate', 10, '1/s')]);
    expect(table).toMatch(/MISSED +p50 +300 us +<= 250 us\n/);
    expect(table).toMatch(/ +rate +10 1\/s\n$/);
  });
});

describe('percentiles', () => {
  it('are values that were measured, by nearest rank', () => {
    const values = Float64Array.of(5, 1, 4, 2, 3);
    expect([0, 0.5, 0.8, 0.81, 1].map((q) => percentile(values, q))).toEqual([1, 3, 4, 5, 5]);
    expect(median([3, 1, 2, 4])).toBe(2);
    expect(percentile(new Float64Array(0), 0.5)).toBeNaN();
  });

  it('are taken over all slices of a measurement together', () => {
    expect(joined([Float64Array.of(1, 2), Float64Array.of(), Float64Array.of(3)])).toEqual(
      Float64Array.of(1, 2, 3),
    );
  });
});
