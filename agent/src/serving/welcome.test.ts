import { expect, it } from 'vitest';
import { exampleLine } from './welcome.ts';

const axis = (min: number, max = min) => ({ min, max });

it('prints a request that fits the model', () => {
  const line = exampleLine('http://h/v2/models/m', [
    { name: "it's", datatype: 'FP32', axes: [axis(1, 8), axis(2)] },
    { name: 'on', datatype: 'BOOL', axes: [] },
  ]);
  const json = /-d '(.*)'$/.exec(line)?.[1]?.replaceAll("'\\''", "'");
  expect(JSON.parse(json ?? '')).toEqual({
    inputs: [
      { name: "it's", datatype: 'FP32', shape: [1, 2], data: [0, 0] },
      { name: 'on', datatype: 'BOOL', shape: [], data: [false] },
    ],
  });
});

it('points at the metadata where a request would be too long or cannot be JSON', () => {
  const metadata = 'curl -s http://h/v2/models/m';
  expect(
    exampleLine('http://h/v2/models/m', [{ name: 'x', datatype: 'FP32', axes: [axis(224), axis(224)] }]),
  ).toBe(metadata);
  expect(exampleLine('http://h/v2/models/m', [{ name: 'x', datatype: 'FP16', axes: [axis(1)] }])).toBe(
    metadata,
  );
});
