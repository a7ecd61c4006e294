import { describe, expect, it } from 'vitest';
import { numbersOf, type Tensor, tensorOf, textOf, unpackStrings } from '../v2/index.ts';
import { applyPost, applyPre, sourcesOf } from './apply-steps.ts';
import { specsAfterPost, specsAfterPre } from './specs-after.ts';
import type { PostStep, PreStep } from './step-schemas.ts';

const image = tensorOf('x', 'UINT8', [1, 2, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
const squares = tensorOf('x', 'FP32', [1, 1, 3, 3], [0, 1, 4, 9, 16, 25, 36, 49, 64]);
const scores = tensorOf('y', 'FP32', [2, 4], [1, 3, 2, 3, -1000, 1000, 0, 999]);
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];
const numbers = (tensor: Tensor | undefined): number[] =>
  tensor ? Array.from(numbersOf(tensor), (value) => Number(value.toFixed(4))) : [];
const pre = (step: Record<string, unknown>, tensor: Tensor): Tensor =>
  applyPre([{ input: 'x', ...step } as PreStep], [tensor])[0] as Tensor;

/** Expected values: numpy, and ONNX's own Resize (linear, half_pixel). */
describe('steps before the model', () => {
  it('normalise per channel, where the channels are last and where they are not', () => {
    const last = pre({ op: 'normalise', scale: 1 / 255, mean, std }, image);
    expect(last).toMatchObject({ datatype: 'FP32', shape: [1, 2, 2, 3] });
    expect(numbers(last)).toEqual([
      -2.1179, -2.0182, -1.7696, -2.0665, -1.9657, -1.7173, -2.0152, -1.9132, -1.665, -1.9638, -1.8606,
      -1.6127,
    ]);
    const turned = pre({ op: 'channelOrder', from: 'NHWC', to: 'NCHW' }, image);
    expect(numbers(pre({ op: 'normalise', scale: 1 / 255, mean, std, axis: 1 }, turned))).toEqual([
      -2.1179, -2.0665, -2.0152, -1.9638, -2.0182, -1.9657, -1.9132, -1.8606, -1.7696, -1.7173, -1.665,
      -1.6127,
    ]);
  });

  it('turn layouts and colours', () => {
    const turned = pre({ op: 'channelOrder', from: 'NHWC', to: 'NCHW' }, image);
    expect(turned).toMatchObject({ datatype: 'UINT8', shape: [1, 3, 2, 2] });
    expect(numbers(turned)).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    expect(pre({ op: 'channelOrder', from: 'NCHW', to: 'NHWC' }, turned)).toEqual(image);
    const bgr = pre({ op: 'channelOrder', from: 'RGB', to: 'BGR', layout: 'NHWC' }, image);
    expect(numbers(bgr)).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9]);
  });

  it.each([
    ['bilinear', 4, 2, [0.25, 3.25, 6.8125, 15.4375, 21.4375, 36.8125, 39.25, 60.25]],
    ['bilinear', 2, 5, [2.25, 3.25, 4.75, 7.45, 9.25, 29.25, 33.85, 40.75, 48.85, 54.25]],
    ['nearest', 4, 2, [0, 4, 9, 25, 9, 25, 36, 64]],
  ])('resize %s to %i x %i', (mode, height, width, expected) => {
    const resized = pre({ op: 'resize', mode, height, width, layout: 'NCHW' }, squares);
    expect(resized.shape).toEqual([1, 1, height, width]);
    expect(numbers(resized)).toEqual(expected);
  });

  it('cast by cutting and within bounds', () => {
    const wide = tensorOf('x', 'FP32', [4], [-3.7, 3.7, 300, 0]);
    expect(numbers(pre({ op: 'cast', to: 'UINT8' }, wide))).toEqual([0, 3, 255, 0]);
    expect(numbers(pre({ op: 'cast', to: 'INT64' }, wide))).toEqual([-3, 3, 300, 0]);
    expect(numbers(pre({ op: 'cast', to: 'BOOL' }, wide))).toEqual([1, 1, 1, 0]);
    expect(numbers(pre({ op: 'cast', to: 'FP16' }, wide))).toEqual([-3.6992, 3.6992, 300, 0]);
  });
});

describe('steps after the model', () => {
  it('make probabilities of logits of any size', () => {
    const [out] = applyPost([{ op: 'softmax', output: 'y' }], [scores]);
    expect(numbers(out)).toEqual([0.0541, 0.3995, 0.147, 0.3995, 0, 0.7311, 0, 0.2689]);
  });

  it('pick the best, name them, and say whether they are good enough', () => {
    const steps: PostStep[] = [
      { op: 'topK', output: 'y', k: 2, indices: 'class' },
      { op: 'labels', output: 'class', names: ['a', 'b', 'c', 'd'] },
      { op: 'threshold', output: 'y', value: 3 },
    ];
    const [sure, names] = applyPost(steps, [scores]);
    expect(sure).toMatchObject({ name: 'y', datatype: 'BOOL', shape: [2, 2] });
    expect(numbers(sure)).toEqual([1, 1, 1, 1]);
    expect(names).toMatchObject({ name: 'class', datatype: 'BYTES', shape: [2, 2] });
    expect(unpackStrings(names?.data ?? new Uint8Array(), 4).map(textOf)).toEqual(['b', 'd', 'b', 'd']);
    expect([...sourcesOf(steps, ['class'])]).toEqual(['y']);
  });

  it('fail on a class without a name', () => {
    const classes = tensorOf('y', 'INT64', [1], [7]);
    expect(() => applyPost([{ op: 'labels', output: 'y', names: ['a'] }], [classes])).toThrow(
      expect.objectContaining({ code: 'INFER_FAILED' }),
    );
  });
});

describe('what steps make of a signature', () => {
  const axis = (max: number, min = max) => ({ min, max });
  const wire = { name: 'x', datatype: 'UINT8' as const, axes: [axis(8, 1), axis(480), axis(640), axis(3)] };

  it('is what the steps really give', () => {
    const steps: PreStep[] = [
      { op: 'resize', input: 'x', height: 2, width: 1, mode: 'bilinear', layout: 'NHWC' },
      { op: 'channelOrder', input: 'x', from: 'RGB', to: 'BGR', layout: 'NHWC' },
      { op: 'channelOrder', input: 'x', from: 'NHWC', to: 'NCHW' },
      { op: 'normalise', input: 'x', mean, std, axis: 1 },
      { op: 'cast', input: 'x', to: 'FP16' },
    ];
    const [spec] = specsAfterPre(steps, [wire]);
    expect(spec).toEqual({ name: 'x', datatype: 'FP16', axes: [axis(8, 1), axis(3), axis(2), axis(1)] });
    expect(applyPre(steps, [image])[0]).toMatchObject({ datatype: 'FP16', shape: [1, 3, 2, 1] });
    const post: PostStep[] = [{ op: 'topK', output: 'y', k: 2, indices: 'class' }];
    expect(
      specsAfterPost(post, [{ name: 'y', datatype: 'FP32', axes: [axis(8, 1), axis(4)] }]),
    ).toMatchObject([
      { name: 'y', datatype: 'FP32', axes: [{}, axis(2)] },
      { name: 'class', datatype: 'INT64', axes: [{}, axis(2)] },
    ]);
  });

  it.each<PreStep>([
    { op: 'normalise', input: 'x', mean: [1, 2] },
    { op: 'channelOrder', input: 'x', from: 'RGB', to: 'BGR', layout: 'NCHW' },
    { op: 'cast', input: 'x', to: 'BYTES' },
  ])('refuses $op where it cannot work', (step) => {
    expect(() => specsAfterPre([step], [wire])).toThrow(
      expect.objectContaining({ code: 'RELEASE_SOURCE_INVALID' }),
    );
  });
});
