import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayWhySkipped } from '../lab/requirements.ts';
import type { CaseResult, Fault } from './kinds/kind.ts';
import { Lab } from './lab/bench.ts';
import { FAMILIES } from './registry.ts';
import { whyNoFaults } from './requirements.ts';
import { runFaults } from './run-faults.ts';

const why = sayWhySkipped('faults', whyNoFaults());
const ALL_MS = 600_000;
/** A kind with more faults than this was enumerated. */
const ENUMERATED = 60;

/** A sample; `npm run faults` runs them all. */
describe.skipIf(why !== null)('a device', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab?.close());

  it(
    'survives every kind of fault, and faults in every state',
    async () => {
      const results: CaseResult[] = [];
      await runFaults({
        lab,
        families: FAMILIES,
        isWanted: () => true,
        select: sample,
        parallel: 3,
        onResult: (result) => results.push(result),
      });
      const bad = results.filter(({ proof, flaws }) => proof === null || flaws.length > 0);
      expect(bad).toEqual([]);
      const kinds = new Set(results.map(({ kind }) => kind));
      expect([...kinds].sort()).toEqual(FAMILIES.flatMap((family) => family.kinds).sort());
    },
    ALL_MS,
  );
});

/** Faults at durable steps in every state, the others in two each, which go round. */
function sample(faults: readonly Fault[]): Fault[] {
  const kinds = [...Map.groupBy(faults, ({ kind }) => kind).values()];
  return kinds.flatMap((ofKind, i) => {
    // The one in the middle of each state: the first is often the same operation in all kinds.
    const states = [...Map.groupBy(ofKind, ({ state }) => state).values()];
    const middle = states.flatMap((group) => group[Math.floor(group.length / 2)] ?? []);
    if (ofKind.length > ENUMERATED) return middle;
    return middle.filter((_, at) => at === i % middle.length || at === (i + 4) % middle.length);
  });
}
