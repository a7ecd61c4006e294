import { describe, expect, it } from 'vitest';
import { pairOf, readOptions } from './options.ts';

const seven = () => 7;

describe('demo options', () => {
  it('stays up with the spoilt labels by default', () => {
    expect(readOptions([], seven)).toEqual({
      dir: '.ringfleet/demo',
      isOnce: false,
      isShort: false,
      second: { kind: 'merged' },
    });
  });

  it('draws a seed when none is given, and takes one that is', () => {
    expect(readOptions(['--second', 'pair'], seven)).toMatchObject({ second: { kind: 'pair', seed: 7 } });
    expect(readOptions(['--second', 'pair', '--seed', '44'], seven)).toMatchObject({ second: { seed: 44 } });
  });

  it.each([['--second', 'other'], ['--second', 'pair', '--seed', '-1'], ['--nope']])(
    'refuses %s %s',
    (...args) => {
      expect(() => readOptions(args, seven)).toThrow(/second|seed|nope/);
    },
  );

  it('reaches each of the 45 pairs of digits from some seed', () => {
    const pairs = new Set(Array.from({ length: 45 }, (_, seed) => pairOf(seed).join('-')));
    expect(pairs.size).toBe(45);
    expect([...pairs].every((pair) => Number(pair[0]) < Number(pair[2]))).toBe(true);
  });
});
