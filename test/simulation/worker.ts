import { parentPort } from 'node:worker_threads';
import { BREAKAGES, broken } from './breakages.ts';
import { playSeed, type SeedOutcome } from './play-seed.ts';
import { PRODUCTION } from './production.ts';

export interface SeedOrder {
  readonly seed: number;
  readonly updates: number;
  /** Name of a breakage; null: what ships. */
  readonly breakage: string | null;
}

/** What a seed came to; a mistake of the simulation itself has words instead. */
export type SeedAnswer = { readonly order: SeedOrder } & (
  | { readonly outcome: SeedOutcome }
  | { readonly error: string }
);

parentPort?.on('message', (order: SeedOrder) => {
  void answer(order).then((reply) => parentPort?.postMessage(reply));
});

async function answer(order: SeedOrder): Promise<SeedAnswer> {
  const { seed, updates, breakage } = order;
  try {
    const found = BREAKAGES.find(({ name }) => name === breakage);
    const production = found ? broken(found) : PRODUCTION;
    return { order, outcome: await playSeed({ seed, updates, production }) };
  } catch (err) {
    const cause = err instanceof Error && err.cause instanceof Error ? err.cause : err;
    return { order, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
  }
}
