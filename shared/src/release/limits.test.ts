import { describe, expect, it } from 'vitest';
import { limitsHere, loosenedLimit } from './limits.ts';

const SIGNED = { memoryBytes: 1_000, loadMs: 200, inferMs: 30 };

describe('limits of an assignment', () => {
  it.each(['memoryBytes', 'loadMs', 'inferMs'] as const)('may tighten %s, and not loosen it', (name) => {
    expect(loosenedLimit(SIGNED, { [name]: SIGNED[name] })).toBeNull();
    expect(loosenedLimit(SIGNED, { [name]: SIGNED[name] - 1 })).toBeNull();
    expect(loosenedLimit(SIGNED, { [name]: SIGNED[name] + 1 })).toBe(name);
    expect(limitsHere(SIGNED, { [name]: SIGNED[name] - 1 })).toEqual({ ...SIGNED, [name]: SIGNED[name] - 1 });
  });

  it('hold as signed where the assignment says nothing, or too much', () => {
    expect(loosenedLimit(SIGNED)).toBeNull();
    expect(limitsHere(SIGNED)).toEqual(SIGNED);
    expect(limitsHere(SIGNED, { inferMs: 31 })).toEqual(SIGNED);
  });
});
