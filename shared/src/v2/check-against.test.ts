import { describe, expect, it } from 'vitest';
import type { TensorSpec } from '../release/index.ts';
import { checkAgainst, metadataShape, samplesIn } from './check-against.ts';
import { type Tensor, tensorOf } from './tensor.ts';

const image: TensorSpec = {
  name: 'image',
  datatype: 'FP32',
  axes: [
    { min: 1, max: 4 },
    { min: 2, max: 2 },
  ],
};
const mask: TensorSpec = { name: 'mask', datatype: 'BOOL', axes: [{ min: 2, max: 2 }] };
const good = tensorOf('image', 'FP32', [1, 2], [1, 2]);
const goodMask = tensorOf('mask', 'BOOL', [2], [1, 0]);
const half: Tensor = { name: 'image', datatype: 'FP16', shape: [1, 2], data: Uint8Array.of(0, 0, 0, 0x7c) };

describe('inputs against the manifest', () => {
  it('fit within the bounds of free axes', () => {
    checkAgainst([image, mask], [goodMask, good]);
    checkAgainst([image], [tensorOf('image', 'FP32', [4, 2], new Array(8).fill(0))]);
  });

  it.each([
    ['INPUT_MISSING', [good]],
    ['INPUT_UNKNOWN', [good, goodMask, tensorOf('other', 'FP32', [1], [1])]],
    ['DATATYPE_MISMATCH', [tensorOf('image', 'FP64', [1, 2], [1, 2]), goodMask]],
    ['SHAPE_MISMATCH', [tensorOf('image', 'FP32', [2], [1, 2]), goodMask]],
    ['SHAPE_MISMATCH', [tensorOf('image', 'FP32', [5, 2], new Array(10).fill(0)), goodMask]],
    ['SHAPE_MISMATCH', [tensorOf('image', 'FP32', [0, 2], []), goodMask]],
    ['NON_FINITE_INPUT', [tensorOf('image', 'FP32', [1, 2], [1, Number.NaN]), goodMask]],
  ])('are refused with %s', (code, inputs) => {
    expect(() => checkAgainst([image, mask], inputs)).toThrow(expect.objectContaining({ code }));
  });

  it('may lack a number where the model bears it, and nowhere else', () => {
    const values = [1, Number.NaN, 1, Number.NaN];
    const inputs = [tensorOf('image', 'FP32', [2, 2], values)];
    checkAgainst([image], inputs, (name, element) => name === 'image' && element === 1);
    const message = 'image holds NaN, or null, at row 0, element 1';
    expect(() => checkAgainst([image], inputs, (_, element) => element === 0)).toThrow(
      expect.objectContaining({ code: 'NON_FINITE_INPUT', message }),
    );
    const endless = [tensorOf('image', 'FP32', [1, 2], [1, Number.POSITIVE_INFINITY])];
    expect(() => checkAgainst([image], endless, () => true)).toThrow(
      expect.objectContaining({ code: 'NON_FINITE_INPUT' }),
    );
  });

  it('see infinity in half precision', () => {
    expect(() => checkAgainst([{ ...image, datatype: 'FP16' }], [half])).toThrow(
      expect.objectContaining({ code: 'NON_FINITE_INPUT', at: '/inputs/0' }),
    );
  });

  it('count samples along a free first axis only', () => {
    expect(metadataShape(image)).toEqual([-1, 2]);
    expect([samplesIn(image, [3, 2]), samplesIn(mask, [2])]).toEqual([3, 1]);
  });
});
