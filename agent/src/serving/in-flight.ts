import type { Runner } from '../ports/runtime.ts';

/** How many requests each runner has now, and who waits for that to become none. */
export class InFlight {
  readonly #counts = new WeakMap<Runner, number>();
  readonly #waiting = new WeakMap<Runner, (() => void)[]>();

  async during<T>(runner: Runner, work: () => Promise<T>): Promise<T> {
    this.#counts.set(runner, this.of(runner) + 1);
    try {
      return await work();
    } finally {
      const left = this.of(runner) - 1;
      this.#counts.set(runner, left);
      if (left === 0) for (const resolve of this.#waiting.get(runner)?.splice(0) ?? []) resolve();
    }
  }

  of(runner: Runner): number {
    return this.#counts.get(runner) ?? 0;
  }

  drained(runner: Runner, timeoutMs: number): Promise<void> {
    if (this.of(runner) === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      const waiting = this.#waiting.get(runner) ?? [];
      this.#waiting.set(runner, waiting);
      waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
