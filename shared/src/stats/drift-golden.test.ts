import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  binnedKolmogorovSmirnov,
  binOf,
  chiSquareSurvival,
  gTest,
  jensenShannon,
  noncentralChiSquareIsf,
  psi,
  quantileEdges,
} from './index.ts';

interface Case {
  readonly name: string;
  readonly metric: string;
  readonly expected: unknown;
  readonly tol: number;
  readonly bins?: number;
  readonly ref?: string;
  readonly cur?: string;
  readonly ref_counts?: Readonly<Record<string, number>>;
  readonly cur_counts?: Readonly<Record<string, number>>;
  readonly x?: number;
  readonly k?: number;
  readonly alpha?: number;
  readonly lambda?: number;
  readonly psi0?: number;
  readonly alpha_level?: number;
}

/** Values that numpy and scipy computed on arrays of six significant digits. */
const golden = JSON.parse(readFileSync(new URL('drift-golden.fixture.json', import.meta.url), 'utf8')) as {
  readonly arrays: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly Case[];
};

/** Both histograms of a case: counted from its arrays over the reference's bins, or as they are given. */
function histograms(one: Case): readonly [number[], number[]] {
  const { ref_counts: a, cur_counts: b } = one;
  if (a && b) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return [keys.map((key) => a[key] ?? 0), keys.map((key) => b[key] ?? 0)];
  }
  const [ref, cur] = [arrayOf(one.ref), arrayOf(one.cur)];
  const edges = quantileEdges(ref, one.bins ?? 10);
  const count = (values: readonly number[]): number[] => {
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const x of values) counts[binOf({ edges }, x)] = (counts[binOf({ edges }, x)] as number) + 1;
    return counts;
  };
  return [count(ref), count(cur)];
}

const arrayOf = (name = ''): readonly number[] => golden.arrays[name] ?? [];

function computed(one: Case): unknown {
  switch (one.metric) {
    case 'quantile_edges':
      return quantileEdges(arrayOf(one.ref), one.bins ?? 10);
    case 'bin_counts': {
      const [ref, cur] = histograms(one);
      return { ref, cur };
    }
    case 'psi':
      return psi(...histograms(one));
    case 'g_test': {
      const { g: stat, df: dof, pValue: p } = gTest(...histograms(one));
      return { stat, dof, p };
    }
    case 'chi2_sf':
      return chiSquareSurvival(one.x ?? 0, one.k ?? 0);
    case 'ks_binned':
      return binnedKolmogorovSmirnov(...histograms(one));
    case 'js_distance':
      return jensenShannon(...histograms(one));
    case 'ncx2_isf':
      return noncentralChiSquareIsf(one.alpha ?? 0, one.k ?? 0, one.lambda ?? 0);
    case 'psi_tolerance_threshold': {
      const [ref, cur] = histograms(one);
      const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
      const g = 1 / total(ref) + 1 / total(cur);
      return g * noncentralChiSquareIsf(one.alpha_level ?? 0, ref.length - 1, (one.psi0 ?? 0) / g);
    }
    default:
      throw new Error(`nothing computes ${one.metric}`);
  }
}

describe('statistics agree with numpy and scipy', () => {
  it.each(golden.cases.map((one) => [`${one.metric} of ${one.name}`, one] as const))('%s', (_, one) => {
    expectClose(computed(one), one.expected, one.tol);
  });
});

function expectClose(actual: unknown, expected: unknown, tolerance: number): void {
  if (typeof expected === 'number') {
    expect(Math.abs((actual as number) - expected)).toBeLessThanOrEqual(tolerance);
    return;
  }
  const of = (value: unknown): [string, unknown][] => Object.entries(value as object);
  expect(of(actual).map(([key]) => key)).toEqual(of(expected).map(([key]) => key));
  for (const [key, value] of of(expected))
    expectClose((actual as Readonly<Record<string, unknown>>)[key], value, tolerance);
}
