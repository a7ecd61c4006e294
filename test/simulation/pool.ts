import { Worker } from 'node:worker_threads';
import type { SeedAnswer, SeedOrder } from './worker.ts';

export interface PoolOptions {
  readonly threads: number;
  /** The next seed to play; null: no more. Asked again whenever a thread is free. */
  readonly next: () => SeedOrder | null;
  readonly onAnswer: (answer: SeedAnswer) => void;
  /** Ends all threads in the middle of what they do. */
  readonly signal: AbortSignal;
}

/** Plays seeds on several threads, one at a time on each. Resolves when there are no more, or the signal is aborted. */
export async function playOnThreads({ threads, next, onAnswer, signal }: PoolOptions): Promise<void> {
  await Promise.all(Array.from({ length: threads }, () => oneThread(next, onAnswer, signal)));
}

async function oneThread(
  next: PoolOptions['next'],
  onAnswer: PoolOptions['onAnswer'],
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      worker.on('error', reject);
      const hand = (): void => {
        const order = signal.aborted ? null : next();
        if (order) worker.postMessage(order);
        else resolve();
      };
      worker.on('message', (answer: SeedAnswer) => {
        onAnswer(answer);
        hand();
      });
      hand();
    });
  } finally {
    await worker.terminate();
  }
}
