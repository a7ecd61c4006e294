import { tensorOf } from '@ringfleet/shared/v2';
import { describe, expect, it } from 'vitest';
import { compare } from './shadow-check.ts';

const scores = (values: readonly number[], name = 'y') =>
  tensorOf(name, 'FP32', [values.length / 2, 2], Float32Array.from(values));
const labels = { output: 'y', names: ['no', 'yes'] };

describe('two answers', () => {
  it('agree when all their classes are the same, however sure they are', () => {
    expect(compare([scores([0.9, 0.1, 0.2, 0.8])], [scores([0.6, 0.4, 0.1, 0.9])], labels).agrees).toBe(true);
    expect(compare([scores([0.9, 0.1, 0.2, 0.8])], [scores([0.6, 0.4, 0.9, 0.1])], labels).agrees).toBe(
      false,
    );
  });

  it('without labels agree when their numbers are close', () => {
    expect(compare([scores([1, 2])], [scores([1.0005, 2])], undefined).agrees).toBe(true);
    expect(compare([scores([1, 2])], [scores([1.1, 2])], undefined).agrees).toBe(false);
  });

  it('are as far apart as can be when one is the negative of the other', () => {
    expect(compare([scores([1, 2])], [scores([-1, -2])], undefined).distance).toBe(1);
    expect(compare([scores([0, 0])], [scores([0, 0])], undefined).distance).toBe(0);
  });

  it('without an output in common cannot be compared', () => {
    expect(() => compare([scores([1, 2])], [scores([1, 2], 'z')], undefined)).toThrow(
      expect.objectContaining({ code: 'SHADOW_NOT_COMPARABLE' }),
    );
  });
});
