import { describe, expect, it } from 'vitest';
import { halfToNumber, numberToHalf } from './tensor.ts';

describe('half precision', () => {
  it('holds each of its own numbers', () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      expect(numberToHalf(halfToNumber(bits))).toBe(bits);
      expect(numberToHalf(halfToNumber(bits | 0x8000))).toBe(bits | 0x8000);
    }
  });

  /** numpy.float16(x).view(numpy.uint16) */
  it.each([
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
    [2049, 0x6800],
    [2051, 0x6802],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [-1e9, 0xfc00],
    [2.9e-8, 0x0000],
    [3e-8, 0x0001],
    [6.1e-5, 0x03ff],
    [Number.NaN, 0x7e00],
  ])('rounds %d as numpy does', (value, bits) => {
    expect(numberToHalf(value)).toBe(bits);
  });
});
