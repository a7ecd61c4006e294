import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

const NAMES = ['inference', 'idle'];

describe('options of npm run bench', () => {
  it('names what there is when a benchmark is unknown, missing or one of two', () => {
    for (const args of [['storm'], [], ['idle', 'inference']]) {
      expect(() => readOptions(args, {}, NAMES)).toThrow('there is: inference, idle');
    }
  });

  it('takes the Python of the flag before that of the environment', () => {
    const env = { RINGFLEET_BENCH_PYTHON: '/env/python' };
    expect(readOptions(['idle', '--json'], env, NAMES)).toEqual({
      name: 'idle',
      isJson: true,
      python: '/env/python',
    });
    expect(readOptions(['idle', '--python', '/flag/python'], env, NAMES)).toMatchObject({
      python: '/flag/python',
    });
  });
});
