import type { Breakage } from './breakage.ts';
import { playOnThreads } from './pool.ts';
import { violationLine } from './report.ts';
import type { SeedOrder } from './worker.ts';

const UPDATES = 100;

export interface BreakOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Plays each mistake seed by seed until an invariant breaks. Answers how many were noticed, by an invariant that is meant to
 * and within their number of seeds; several are played at a time.
 */
export async function breakAll(
  breakages: readonly Breakage[],
  { threads, signal, say }: BreakOptions,
): Promise<number> {
  const byName = new Map(breakages.map((one) => [one.name, one]));
  const waiting: SeedOrder[] = breakages.map(({ name }) => ({ seed: 1, updates: UPDATES, breakage: name }));
  let noticed = 0;
  await playOnThreads({
    threads,
    signal,
    next: () => waiting.shift() ?? null,
    onAnswer(answer) {
      const { order } = answer;
      const breakage = byName.get(order.breakage ?? '');
      if (!breakage) return;
      const { name, withinSeeds, noticedBy } = breakage;
      if ('error' in answer) say(`${name}\n    ERROR seed ${order.seed}: ${answer.error}`);
      else if (answer.outcome.violation) {
        const isMeant = noticedBy.includes(answer.outcome.violation.invariant);
        if (isMeant) noticed += 1;
        say(`${name}\n    ${isMeant ? '' : 'BY ANOTHER INVARIANT '}${violationLine(answer.outcome)}`);
      } else if (order.seed < withinSeeds) waiting.unshift({ ...order, seed: order.seed + 1 });
      else say(`${name}\n    NOT NOTICED within ${withinSeeds} seeds`);
    },
  });
  return noticed;
}
