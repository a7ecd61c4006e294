import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { ELSEWHERE } from './mutants/elsewhere.ts';
import { EQUIVALENTS } from './mutants/equivalents.ts';
import { runMutants } from './mutants/run.ts';
import type { Mutant } from './mutants/sites.ts';

/** So many that it takes seconds; all of them are `npm run attacks -- --mutants`. */
const SAMPLE = 8;
const SEED = '1';

const rank = ({ name }: Mutant): string =>
  createHash('sha256')
    .update(SEED + name)
    .digest('hex');

it('a sample of the checks, each switched off: an attack then ends otherwise', {
  timeout: 240_000,
}, async () => {
  const choose = (all: readonly Mutant[]): readonly Mutant[] =>
    all
      .filter(({ name }) => !Object.hasOwn(EQUIVALENTS, name) && !Object.hasOwn(ELSEWHERE, name))
      .toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
      .slice(0, SAMPLE);
  const { fates, troubles } = await runMutants({ choose });
  expect(troubles).toEqual([]);
  expect(fates).toHaveLength(SAMPLE);
});
