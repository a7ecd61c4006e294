import { expect, it } from 'vitest';
import { BREAKAGES, broken } from './breakages.ts';
import { playSeed } from './play-seed.ts';

const UPDATES = 100;
/** Mistakes that take longer to show are left to `npm run simulate -- --breakages`. */
const MOST_SEEDS = 3;
const quick = BREAKAGES.filter(({ withinSeeds }) => withinSeeds <= MOST_SEEDS);

it.each(quick.map((breakage) => [breakage.name, breakage] as const))(
  'notices %s',
  async (_, breakage) => {
    let found: string | null = null;
    for (let seed = 1; seed <= breakage.withinSeeds && found === null; seed++) {
      const { violation } = await playSeed({ seed, updates: UPDATES, production: broken(breakage) });
      found = violation?.invariant ?? null;
    }
    expect(breakage.noticedBy).toContain(found);
  },
  240_000,
);
