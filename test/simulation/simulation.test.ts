import { describe, expect, it } from 'vitest';
import { FAULTS } from './faults.ts';
import { playSeed } from './play-seed.ts';
import { PRODUCTION } from './production.ts';
import { lastLine, Tally } from './report.ts';

const SEEDS = 5;
const UPDATES = 60;

describe('a server and many devices, in virtual time and in trouble', () => {
  it(`holds every invariant over ${SEEDS} histories (npm run simulate plays a thousand)`, async () => {
    const tally = new Tally();
    for (let seed = 1; seed <= SEEDS; seed++) {
      tally.add(await playSeed({ seed, updates: UPDATES, production: PRODUCTION }));
    }
    expect(tally.violations).toEqual([]);
    expect(tally.deviceUpdates).toBeGreaterThan((SEEDS * UPDATES) / 2);
    expect([...tally.faults.values()].filter((count) => count > 0).length).toBeGreaterThan(FAULTS.length / 2);
    expect(lastLine(tally, 1)).toMatch(/^5 seeds, \d+ device updates, .* 0 violations, in 1 s$/);
  }, 240_000);

  it('plays a seed the same way twice, line by line', async () => {
    const play = async (): Promise<readonly string[]> => {
      const lines: string[] = [];
      await playSeed({
        seed: 5,
        updates: 30,
        production: PRODUCTION,
        onLine: (line) => void lines.push(line),
      });
      return lines;
    };
    const first = await play();
    expect(first.length).toBeGreaterThan(100);
    expect(await play()).toEqual(first);
  }, 120_000);
});
