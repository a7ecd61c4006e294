import { availableParallelism, loadavg } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayWhySkipped } from '../lab/requirements.ts';
import type { CaseResult, Fault } from './kinds/kind.ts';
import { services } from './kinds/services.ts';
import { Lab } from './lab/bench.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { type MutantResult, runMutants } from './mutants/run-mutants.ts';
import { FAMILIES } from './registry.ts';
import { whyNoFaults } from './requirements.ts';
import { runFaults } from './run-faults.ts';

const why = sayWhySkipped('faults', whyNoFaults());
const ALL_MS = 900_000;
/** What CI may spend on faults, where nothing else runs. */
const BUDGET_MS = 300_000;
/** A kind with more faults than this was enumerated. */
const ENUMERATED = 60;
/** Kinds that are hit in every state; the others go round. */
const EVERYWHERE = ['kill', 'power cut'];
/** One of each sort, and quick. */
const TOLD_HERE = ['counter of boots', 'fsync of last-known.json', 'save before act'];

/** Under systemd the same is tried by test/lab/agent-service.test.ts. */
const SAMPLED = FAMILIES.filter((family) => family !== services);

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
      const startedAt = performance.now();
      const isQuiet = (loadavg()[0] ?? 0) < availableParallelism();
      const results: CaseResult[] = [];
      await runFaults({
        lab,
        families: SAMPLED,
        isWanted: () => true,
        select: sample,
        parallel: 4,
        onResult: (result) => results.push(result),
      });
      const tookMs = Math.round(performance.now() - startedAt);
      process.stderr.write(`faults: ${results.length} cases in ${Math.round(tookMs / 1000)} s\n`);
      const bad = results.filter(({ proof, flaws }) => proof === null || flaws.length > 0);
      expect(bad).toEqual([]);
      const kinds = new Set(results.map(({ kind }) => kind));
      expect([...kinds].sort()).toEqual(SAMPLED.flatMap((family) => family.kinds).sort());
      if (isQuiet) expect(tookMs).toBeLessThan(BUDGET_MS);
    },
    ALL_MS,
  );

  it(
    'without one of its safeguards does not',
    async () => {
      const results: MutantResult[] = [];
      const some = MUTANTS.filter(({ name }) => TOLD_HERE.includes(name));
      await runMutants(lab, some, (result) => results.push(result));
      expect(results.filter(({ killedBy }) => killedBy === null)).toEqual([]);
      expect(results.map(({ name }) => name).sort()).toEqual(TOLD_HERE);
    },
    ALL_MS,
  );
});

/**
 * Of each kind a fault in the first half of each state: the first is often the same operation in all kinds, and the last
 * ones may be of a heartbeat more than another run has.
 */
function sample(faults: readonly Fault[]): Fault[] {
  const kinds = [...Map.groupBy(faults, ({ kind }) => kind)];
  return kinds.flatMap(([kind, ofKind], i) => {
    const states = [...Map.groupBy(ofKind, ({ state }) => state).values()];
    const early = states.flatMap((group) => group[Math.floor(group.length / 3)] ?? []);
    if (EVERYWHERE.includes(kind)) return early;
    const wanted = ofKind.length > ENUMERATED ? [0, 3, 6] : [0];
    return wanted.flatMap((more) => early[(i + more) % early.length] ?? []);
  });
}
