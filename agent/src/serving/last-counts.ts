import type { Runner, RunnerCounts } from '../ports/runtime.ts';

/** Whoever looks does not wait longer for a runner that is busy. */
const PATIENCE_MS = 500;

/** What runners counted: as of now, or of the last look where one is too busy to say or gone. */
export class LastCounts {
  readonly #last = new WeakMap<Runner, RunnerCounts>();
  readonly #asking = new WeakMap<Runner, Promise<void>>();

  /** Resolves within half a second, whatever the runners do; one that never answered is left out. */
  async of(runners: readonly Runner[]): Promise<ReadonlyMap<Runner, RunnerCounts>> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    await Promise.race([Promise.all(runners.map((runner) => this.#ask(runner))), over]);
    clearTimeout(timer);
    return new Map(
      runners.flatMap((runner) => {
        const counts = this.#last.get(runner);
        return counts ? [[runner, counts] as const] : [];
      }),
    );
  }

  /** One question at a time: who looks often does not make a busy runner busier. */
  #ask(runner: Runner): Promise<void> {
    const asking =
      this.#asking.get(runner) ??
      runner
        .counts()
        .then(
          (counts) => void this.#last.set(runner, counts),
          // What it counted last is still true.
          () => undefined,
        )
        .finally(() => this.#asking.delete(runner));
    this.#asking.set(runner, asking);
    return asking;
  }
}
