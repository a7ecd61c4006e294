import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countsOf, type ModelCounts, NO_COUNTS, plusCounts } from './model-counts.ts';

const bins = fc.array(fc.nat(1_000), { maxLength: 6 });
const feature = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  bins,
  missing: fc.nat(9),
  nonFinite: fc.nat(9),
  outOfRange: fc.nat(9),
});
const counts: fc.Arbitrary<ModelCounts> = fc.record({
  reports: fc.nat(9),
  answers: fc.nat(1_000),
  failures: fc.nat(9),
  rejected: fc.nat(9),
  fallbacks: fc.nat(9),
  runnerRestarts: fc.nat(9),
  latencyUs: bins,
  features: fc
    .uniqueArray(feature, { selector: ({ name }) => name })
    .map((list) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
  classes: bins,
  confidence: bins,
});

describe('counts of a model', () => {
  it('merge to the same in any order and grouping', () => {
    fc.assert(
      fc.property(counts, counts, counts, (a, b, c) => {
        expect(plusCounts(a, b)).toEqual(plusCounts(b, a));
        expect(plusCounts(plusCounts(a, b), c)).toEqual(plusCounts(a, plusCounts(b, c)));
        expect(plusCounts(a, NO_COUNTS)).toEqual(a);
      }),
    );
  });

  it('of one heartbeat keep what was counted, sorted, and nothing else', () => {
    const zero = { missing: 0, nonFinite: 0, outOfRange: 0 };
    const model = {
      model: 'm',
      phase: 'idle',
      isCommitted: true,
      answers: 3,
      failures: 1,
      rejected: 2,
      fallbacks: 0,
      runnerRestarts: 0,
      latencyUs: [1, 2],
      features: [
        { name: 'b', bins: [1], ...zero },
        { name: 'a', bins: [2], ...zero, missing: 4 },
      ],
      psi: [{ name: 'a', value: 0.5, samples: 128 }],
    } as const;
    expect(countsOf(structuredClone(model) as never)).toEqual({
      ...NO_COUNTS,
      reports: 1,
      answers: 3,
      failures: 1,
      rejected: 2,
      latencyUs: [1, 2],
      features: [
        { name: 'a', bins: [2], ...zero, missing: 4 },
        { name: 'b', bins: [1], ...zero },
      ],
    });
  });
});
