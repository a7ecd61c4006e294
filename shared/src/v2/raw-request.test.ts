import { expect, it } from 'vitest';
import type { TensorSpec } from '../release/index.ts';
import { textOf, unpackStrings } from './byte-strings.ts';
import { decodeRawRequest } from './raw-request.ts';

const spec = (
  datatype: TensorSpec['datatype'],
  ...axes: readonly (readonly [number, number])[]
): TensorSpec => ({
  name: 'x',
  datatype,
  axes: axes.map(([min, max]) => ({ min, max })),
});

it.each([
  [spec('FP32', [1, 8], [4, 4]), 32, [2, 4]],
  [spec('FP32', [1, 8], [4, 4]), 0, [0, 4]],
  [spec('INT64', [1, 1], [2, 2]), 16, [1, 2]],
  [spec('UINT8', [3, 3], [1, 640]), 30, [3, 10]],
  [spec('FP64'), 8, []],
])('takes the shape from the length of the body', (input, bytes, shape) => {
  const { inputs, binaryDefault } = decodeRawRequest([input], new Uint8Array(bytes));
  expect(inputs).toMatchObject([{ name: 'x', datatype: input.datatype, shape }]);
  expect(binaryDefault).toBe(true);
});

it('takes a text as one element', () => {
  const { inputs } = decodeRawRequest([spec('BYTES', [1, 8])], Buffer.from('größe'));
  expect(inputs[0]?.shape).toEqual([1]);
  expect(unpackStrings(inputs[0]?.data ?? new Uint8Array(), 1).map(textOf)).toEqual(['größe']);
});

it.each([
  ['no whole number of rows', [spec('FP32', [1, 8], [4, 4])], 20],
  ['another length than the fixed one', [spec('FP32', [1, 1], [4, 4])], 32],
  ['two free axes', [spec('UINT8', [1, 9], [1, 9])], 8],
  ['two inputs', [spec('UINT8', [1, 9]), spec('UINT8', [1, 9])], 8],
])('refuses %s', (_, inputs, bytes) => {
  expect(() => decodeRawRequest(inputs, new Uint8Array(bytes))).toThrow(
    expect.objectContaining({ code: 'REQUEST_INVALID' }),
  );
});
