import { describe, expect, it } from 'vitest';
import {
  bernoulliEProcess,
  binOf,
  buildFeatureProfile,
  chiSquareSurvival,
  cleanDevicesClaim,
  cleanDevicesNeeded,
  clopperPearson,
  clopperPearsonUpper,
  featureCounter,
  featureValues,
  gTest,
  predictionsOf,
  psi,
  quantileEdges,
} from './index.ts';

// Reference values were computed with numpy 2.4 and scipy 1.17.
const PETAL_WIDTHS = [
  1.8, 0.2, 1.5, 1.0, 1.8, 1.3, 1.3, 0.3, 1.9, 1.5, 0.2, 0.2, 1.8, 1.3, 2.0, 1.5, 2.3, 0.2, 0.2, 1.0, 2.0,
  1.8, 2.0, 0.1, 0.3, 0.2, 1.0, 2.0, 0.4, 2.3, 2.3, 0.4, 0.4, 0.4, 1.6, 1.8, 1.0, 2.1, 1.2, 0.4, 1.4, 1.4,
  1.4, 1.9, 2.1, 0.2, 1.4, 0.2, 1.4, 1.3, 0.2, 1.9, 1.5, 2.0, 2.2, 0.1, 1.5, 2.3, 0.6, 0.2, 1.4, 1.0, 2.3,
  0.2, 1.2, 0.2, 0.2, 1.2, 2.3, 0.2, 2.4, 1.4, 0.2, 0.2, 0.5,
];
const HUNDRED = Array.from({ length: 100 }, (_, i) => i);
const RADIUS = [34, 34, 34, 34, 34, 34, 34, 34, 34, 35];

describe('bins', () => {
  it('lie at the quantiles of numpy, with ties once', () => {
    expect(quantileEdges(PETAL_WIDTHS, 10)).toEqual([0.2, 0.4, 1, 1.3, 1.4, 1.76, 1.92, 2.16]);
    expect(quantileEdges([], 10)).toEqual([]);
    expect(quantileEdges([5, 5, 5], 4)).toEqual([5]);
  });

  it('take their lower edge in and leave their upper edge out', () => {
    const edges = [1, 2];
    expect([-9, 0.999, 1, 1.5, 2, 99].map((x) => binOf({ edges }, x))).toEqual([0, 0, 1, 1, 2, 2]);
    const counts = new Array(9).fill(0);
    const petals = quantileEdges(PETAL_WIDTHS, 10);
    for (const x of PETAL_WIDTHS) counts[binOf({ edges: petals }, x)] += 1;
    expect(counts).toEqual([2, 18, 7, 8, 4, 13, 8, 7, 8]);
  });
});

describe('a feature profile', () => {
  it('gives each of few distinct values its bin, and "other" one more', () => {
    const profile = buildFeatureProfile('door', [1, 0, 0, 0]);
    expect(profile).toMatchObject({ values: [0, 1], counts: [3, 1, 0], mean: 0.25, standardDeviation: 0.5 });
    expect(profile.edges).toBeUndefined();
    expect(binOf(profile, 7)).toBe(2);
  });

  it('bins many values by quantiles, without those that are not finite', () => {
    const profile = buildFeatureProfile('speed', [...HUNDRED, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(profile.edges?.slice(0, 2)).toEqual([9.9, 19.8]);
    expect(profile).toMatchObject({ counts: new Array(10).fill(10), min: 0, max: 99 });
    expect(profile.mean).toBeCloseTo(49.5, 12);
    expect(profile.standardDeviation).toBeCloseTo(29.011491975882016, 12);
  });

  it('is there for a feature that was never seen', () => {
    expect(buildFeatureProfile('none', [])).toMatchObject({
      values: [],
      counts: [0],
      mean: 0,
      min: 0,
      max: 0,
    });
  });

  it('counts what is odd apart, and out of range in its outer bin as well', () => {
    const counter = featureCounter(buildFeatureProfile('speed', HUNDRED));
    for (const x of [0, 99, 999, -9, Number.NaN, Number.NEGATIVE_INFINITY]) counter.add(x);
    expect(counter).toMatchObject({
      bins: [2, 0, 0, 0, 0, 0, 0, 0, 0, 2],
      nonFinite: 2,
      outOfRange: 2,
      missing: 0,
    });
  });
});

describe('watched numbers', () => {
  const tensor = Float32Array.from([1, 2, 3, 4, 5, 9]);

  it('are scalars at an index or the mean of an image, per sample', () => {
    expect([...featureValues({ name: 'b', input: 'x', kind: 'numeric', index: 1 }, tensor, 2)]).toEqual([
      2, 5,
    ]);
    expect([...featureValues({ name: 'i', input: 'x', kind: 'image' }, tensor, 2)]).toEqual([2, 6]);
    expect([...featureValues({ name: 'b', input: 'x', kind: 'numeric', index: 9 }, tensor, 1)]).toEqual([
      Number.NaN,
    ]);
  });

  it('read classes from probabilities and from logits', () => {
    expect(predictionsOf([0.25, 0.75, 1, 0], 2)).toEqual([
      { index: 1, confidence: 0.75 },
      { index: 0, confidence: 1 },
    ]);
    const [fromLogits] = predictionsOf([0, Math.log(3), Number.NEGATIVE_INFINITY], 3);
    expect(fromLogits?.index).toBe(1);
    expect(fromLogits?.confidence).toBeCloseTo(0.75, 12);
  });
});

describe('divergence', () => {
  it.each([
    [[18, 24, 21, 10, 37, 25, 27, 30, 25, 11], 0.13056238804031353],
    [[1, 8, 6, 9, 19, 24, 40, 65, 24, 32], 0.7072561666970809],
  ])('as PSI matches the reference', (current, expected) => {
    expect(psi(RADIUS, current)).toBeCloseTo(expected, 12);
  });

  it.each([
    [[84, 144], 0.028211712787526766, 0.866612051340251],
    [[140, 88], 31.46244462694547, 2.0333521440880975e-8],
  ])('as G test matches the reference', (current, g, p) => {
    const test = gTest([128, 213], current);
    expect(test.g).toBeCloseTo(g, 10);
    expect(test.pValue / p).toBeCloseTo(1, 8);
    expect(test.df).toBe(1);
  });

  it('says nothing about bins empty on both sides, or without samples', () => {
    expect(gTest([1, 0, 2], [2, 0, 4])).toEqual({ g: 0, df: 1, pValue: 1 });
    expect(gTest([0, 0], [3, 4]).pValue).toBe(1);
  });

  it.each([
    [3.84, 1, 0.05004352124870519],
    [27.9, 9, 0.000991262457089347],
    [0.1, 3, 0.9918374237318764],
    [200, 29, 1.8591110902283487e-27],
  ])('chi-square survival of %d at %i degrees of freedom', (x, df, expected) => {
    expect(chiSquareSurvival(x, df) / expected).toBeCloseTo(1, 9);
  });
});

describe('bounds on a rate', () => {
  it.each([
    [3, 200, 0.003104107621555085, 0.043208281917709784],
    [0, 500, 0, 0.007350610051907785],
    [52, 1000, 0.039076534943979946, 0.06763501405052164],
  ])('%i of %i match the reference', (k, n, lower, upper) => {
    const interval = clopperPearson(k, n);
    expect(interval.lower).toBeCloseTo(lower, 10);
    expect(interval.upper).toBeCloseTo(upper, 10);
  });

  it('are the ends where nothing or everything failed', () => {
    expect(clopperPearson(5, 5).upper).toBe(1);
    expect(clopperPearson(0, 0)).toEqual({ lower: 0, upper: 1 });
    expect(clopperPearsonUpper(0, 5)).toBeCloseTo(1 - 0.05 ** 0.2, 12);
  });

  it('say in words what clean devices show, never more', () => {
    expect(cleanDevicesClaim(5).sentence).toBe(
      '5 clean devices show with 95 % confidence that fewer than 45.1 % of the fleet would fail.',
    );
    expect(cleanDevicesClaim(1).sentence).toContain('1 clean device shows');
    expect(cleanDevicesClaim(1).sentence).toContain('95 % of the fleet');
    expect(cleanDevicesClaim(0)).toMatchObject({ below: 1, sentence: 'No device has shown anything yet.' });
    expect([cleanDevicesNeeded(0.05), cleanDevicesNeeded(0.5)]).toEqual([59, 5]);
    expect(cleanDevicesClaim(cleanDevicesNeeded(0.05)).below).toBeLessThan(0.05);
    expect(cleanDevicesClaim(cleanDevicesNeeded(0.05) - 1).below).toBeGreaterThan(0.05);
  });
});

describe('the e-process of a rate', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n, k - 1) * (n - k + 1)) / k);
  const expected = (p: number, n: number, e: (hits: number) => number): number =>
    Array.from({ length: n + 1 }, (_, k) => choose(n, k) * p ** k * (1 - p) ** (n - k) * e(k)).reduce(
      (a, b) => a + b,
    );

  it.each(['above', 'below'] as const)('is fair at the null rate and loses beyond it (%s)', (direction) => {
    const process = bernoulliEProcess(0.1, direction);
    for (const n of [1, 7, 30]) {
      const e = (k: number): number => Math.exp(process.logE(k, n));
      expect(expected(0.1, n, e)).toBeCloseTo(1, 9);
      expect(expected(direction === 'above' ? 0.05 : 0.2, n, e)).toBeLessThan(1);
      expect(expected(direction === 'above' ? 0.3 : 0.02, n, e)).toBeGreaterThan(1);
    }
  });

  it('rejects on clear evidence and on no other', () => {
    const tooMany = bernoulliEProcess(0.05, 'above');
    expect(tooMany.logE(0, 0)).toBeCloseTo(0, 12);
    expect(tooMany.rejects(1, 20, 0.05)).toBe(false);
    expect(tooMany.rejects(8, 20, 0.05)).toBe(true);
    const fewEnough = bernoulliEProcess(0.05, 'below');
    expect(fewEnough.rejects(0, 20, 0.05)).toBe(false);
    expect(fewEnough.rejects(0, 120, 0.05)).toBe(true);
  });

  it('refuses a null rate that leaves nothing to bet on', () => {
    expect(() => bernoulliEProcess(0, 'above')).toThrow(RangeError);
    expect(() => bernoulliEProcess(1, 'below')).toThrow(RangeError);
  });
});
