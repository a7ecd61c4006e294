import { tensorOf, textOf, unpackStrings } from '@ringfleet/shared/v2';
import { expect, it } from 'vitest';
import { classified } from './classification.ts';

const scores = tensorOf('scores', 'FP32', [2, 3], [0.5, 0.25, 2, 1, 3, 0]);
const textsOf = (count: number, labels?: { output: string; names: string[] }): string[] => {
  const tensor = classified(scores, count, labels);
  return unpackStrings(
    tensor.data,
    tensor.shape.reduce((a, b) => a * b),
  ).map(textOf);
};

it('names the best classes of each row with their labels', () => {
  expect(textsOf(2, { output: 'scores', names: ['a', 'b', 'c'] })).toEqual([
    '2:2:c',
    '0.5:0:a',
    '3:1:b',
    '1:0:a',
  ]);
  expect(classified(scores, 2, undefined).shape).toEqual([2, 2]);
});

it('leaves labels out that are those of another output, and gives no more classes than there are', () => {
  expect(textsOf(9, { output: 'other', names: ['a', 'b', 'c'] })).toEqual([
    '2:2',
    '0.5:0',
    '0.25:1',
    '3:1',
    '1:0',
    '0:2',
  ]);
});
