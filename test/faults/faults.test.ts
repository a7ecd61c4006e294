import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayWhySkipped } from '../lab/requirements.ts';
import type { CaseResult, Fault } from './kinds/kind.ts';
import { Lab } from './lab/bench.ts';
import { FAMILIES } from './registry.ts';
import { whyNoFaults } from './requirements.ts';
import { runFaults } from './run-faults.ts';

const why = sayWhySkipped('faults', whyNoFaults());
const ALL_MS = 240_000;

/** Of every kind and state one fault; `npm run faults` runs them all. */
describe.skipIf(why !== null)('a device', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab?.close());

  it(
    'survives one fault of every kind in every state',
    async () => {
      const results: CaseResult[] = [];
      await runFaults({
        lab,
        families: FAMILIES,
        isWanted: () => true,
        select: onePerKindAndState,
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

/** The one in the middle of each: the first is often the same operation in all kinds. */
function onePerKindAndState(faults: readonly Fault[]): Fault[] {
  const groups = Map.groupBy(faults, ({ kind, state }) => `${kind}/${state}`);
  return [...groups.values()].flatMap((group) => group[Math.floor(group.length / 2)] ?? []);
}
