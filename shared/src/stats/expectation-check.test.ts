import { expect, it } from 'vitest';
import type { Expectation } from '../release/index.ts';
import { ExpectationCheck } from './expectation-check.ts';

const looks = (expectation: Expectation, values: readonly number[]) => {
  const check = new ExpectationCheck(expectation);
  return values.map((value) => check.of(value));
};

it('allows both ends of a range and nothing beyond', () => {
  expect(looks({ min: 0, max: 2 }, [0, 2, -0.1, 2.1])).toEqual([
    undefined,
    undefined,
    'outOfRange',
    'outOfRange',
  ]);
});

it('takes a limit as the tensor holds it', () => {
  const check = new ExpectationCheck({ max: 0.1 }, Math.fround);
  expect(check.of(Math.fround(0.1))).toBeUndefined();
  expect(check.of(Math.fround(0.100001))).toBe('outOfRange');
});

it('knows categories and types', () => {
  expect(looks({ values: [1, 3] }, [3, 2])).toEqual([undefined, 'unknownCategory']);
  expect(looks({ type: 'integer' }, [3, 2.5])).toEqual([undefined, 'wrongType']);
  expect(looks({ type: 'boolean' }, [0, 1, 2])).toEqual([undefined, undefined, 'wrongType']);
});

it('bears missing values up to their share of the last 128, and again when they became fewer', () => {
  const check = new ExpectationCheck({ missing: 0.5 });
  const next = (x: number, count: number) => Array.from({ length: count }, () => check.of(x));
  expect(next(Number.NaN, 64).every((one) => one === undefined)).toBe(true);
  expect(next(Number.NaN, 1)).toEqual(['missing']);
  expect(next(1, 200).every((one) => one === undefined)).toBe(true);
  expect(next(Number.NaN, 65).filter(Boolean)).toEqual(['missing']);
  expect(looks({ missing: 0 }, [Number.NaN])).toEqual(['missing']);
});

it('names the limit and never the value', () => {
  const check = new ExpectationCheck({ min: 0, max: 2, missing: 0.25, values: [1], type: 'integer' });
  expect(check.inWords('outOfRange', -77)).toBe('is below the minimum of 0');
  expect(check.inWords('outOfRange', 77)).toBe('is above the maximum of 2');
  expect(check.inWords('missing', Number.NaN)).toBe('is missing as more than 25 % of the last 128 are');
  expect(check.inWords('unknownCategory', 77)).toBe('is none of the 1 allowed values');
  expect(check.inWords('wrongType', 7.7)).toBe('is no integer');
});
