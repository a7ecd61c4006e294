import type { Topic } from '../api/queries.ts';

export interface RefreshPorts {
  now(): number;
  later(ms: number, call: () => void): () => void;
  /** False while nobody looks at the page. */
  isVisible(): boolean;
  refresh(topic: Topic): void;
}

export interface Refresher {
  want(topics: readonly Topic[]): void;
  /** The page is looked at again: what waited is read now. */
  wake(): void;
}

const GATHER_MS = 80;
const SPACING_MS = 1_000;

/**
 * Gathers bursts: a fleet that moves sends hundreds of events a second, and one read per topic and second shows them
 * all. The first event after a quiet time is shown at once.
 */
export function createRefresher(ports: RefreshPorts): Refresher {
  const wanted = new Set<Topic>();
  let isWaiting = false;
  let lastMs = Number.NEGATIVE_INFINITY;

  const flush = (): void => {
    isWaiting = false;
    if (!ports.isVisible()) return;
    lastMs = ports.now();
    const topics = [...wanted];
    wanted.clear();
    for (const topic of topics) ports.refresh(topic);
  };

  const schedule = (): void => {
    if (isWaiting || wanted.size === 0) return;
    isWaiting = true;
    ports.later(Math.max(GATHER_MS, lastMs + SPACING_MS - ports.now()), flush);
  };

  return {
    want(topics) {
      for (const topic of topics) wanted.add(topic);
      schedule();
    },
    wake: schedule,
  };
}
