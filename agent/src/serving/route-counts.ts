import type { RouteCounts } from '../ports/router.ts';

export type MutableRouteCounts = { -readonly [K in keyof RouteCounts]: RouteCounts[K] };

/** A model's last releases; older ones are nobody's evidence any more. */
const MAX_RELEASES = 4;

/** Counts per release of one model. A release starts at zero when it becomes active, and keeps its counts after. */
export class ReleaseCounts {
  readonly #byDigest = new Map<string, MutableRouteCounts>();

  startAt(digest: string): void {
    this.#byDigest.delete(digest);
    this.#byDigest.set(digest, noCounts());
    for (const old of this.#byDigest.keys()) {
      if (this.#byDigest.size <= MAX_RELEASES) break;
      this.#byDigest.delete(old);
    }
  }

  add(digest: string, what: keyof RouteCounts): void {
    const counts = this.#byDigest.get(digest);
    if (counts) counts[what] += 1;
  }

  of(digest: string): RouteCounts {
    return { ...(this.#byDigest.get(digest) ?? noCounts()) };
  }
}

const noCounts = (): MutableRouteCounts => ({
  answers: 0,
  failures: 0,
  rejected: 0,
  fallbacks: 0,
  runnerExits: 0,
});
