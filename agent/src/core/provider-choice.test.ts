import { describe, expect, it } from 'vitest';
import { isDowngrade, outcomeOf, provesProvider, providerPlan } from './provider-choice.ts';

const variant = (providers: string[], fallback?: 'allow' | 'forbid') => ({
  constraints: { providers },
  session: fallback ? { fallback } : {},
});

describe('what may be tried for a variant', () => {
  it('is the first provider alone, for every node, when falling back is forbidden', () => {
    const plan = providerPlan(variant(['tensorrt', 'cuda', 'cpu'], 'forbid'));
    expect(plan).toEqual({ candidates: ['tensorrt'], mayMix: false });
  });

  it('ends with the processor when falling back is allowed', () => {
    expect(providerPlan(variant(['cuda'], 'allow')).candidates).toEqual(['cuda', 'cpu']);
    expect(providerPlan(variant(['cpu', 'cuda'], 'allow')).candidates).toEqual(['cpu', 'cuda']);
  });

  it('is the order of the variant and nothing else when it does not say', () => {
    expect(providerPlan(variant(['openvino'])).candidates).toEqual(['openvino']);
  });
});

describe('what is said of the choice', () => {
  it('names every provider that was passed over, and why', () => {
    const outcome = outcomeOf(['cuda', 'cpu'], 'cpu', [{ name: 'cuda', why: 'not installed' }]);
    expect(outcome).toEqual({ asked: ['cuda', 'cpu'], active: 'cpu', reason: 'cuda: not installed' });
    expect(isDowngrade(outcome)).toBe(true);
  });

  it('calls a model that is only partly on its provider downgraded', () => {
    const outcome = outcomeOf(['cuda'], 'cuda', [], { cuda: 8, cpu: 1 });
    expect(outcome.reason).toBe('1 node runs on cpu');
    expect(isDowngrade(outcome)).toBe(true);
    expect(isDowngrade(outcomeOf(['cuda'], 'cuda', [], { cuda: 9 }))).toBe(false);
  });

  it('takes no provider for proven on which no node ran, or of which nothing is known', () => {
    expect(provesProvider('cuda', { cpu: 9 })).toBe(false);
    expect(provesProvider('cuda', undefined)).toBe(false);
    expect(provesProvider('cuda', { cuda: 1, cpu: 8 })).toBe(true);
  });
});
