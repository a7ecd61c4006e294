import type { Outcome } from './clients.ts';

/** How long after a runner was killed a request may fail because it was executing there. */
const KILL_EXPLAINS_MS = 15_000;
/** What a request may meet whose runner was killed under it. */
const EXPLAINED_BY_KILL: ReadonlySet<string> = new Set(['RUNNER_GONE', 'NO_ANSWER']);
const TOLERANCE = 1e-4;

/** Counts what came of all requests, and keeps what nothing explains. */
export class Tally {
  readonly requests: Record<string, number> = {};
  readonly failures: Record<string, number> = {};
  readonly releases: Record<string, number> = {};
  readonly unexplained: string[] = [];
  wrong = 0;
  readonly #killsMs: number[] = [];
  /** Every release answers an image in one way only. */
  readonly #known = new Map<string, readonly number[]>();

  killed(atMs: number): void {
    this.#killsMs.push(atMs);
  }

  take(client: string, image: number, outcome: Outcome, sentMs: number, nowMs: number): void {
    this.requests[client] = (this.requests[client] ?? 0) + 1;
    if ('failure' in outcome) {
      const { failure } = outcome;
      this.failures[failure] = (this.failures[failure] ?? 0) + 1;
      const isNearKill = this.#killsMs.some((atMs) => atMs > sentMs - KILL_EXPLAINS_MS && atMs <= nowMs);
      if (!isNearKill || !EXPLAINED_BY_KILL.has(failure)) this.#keep(`${client}: ${failure}`, nowMs);
      return;
    }
    const { release, scores } = outcome;
    this.releases[release] = (this.releases[release] ?? 0) + 1;
    const key = `${release} ${image}`;
    const before = this.#known.get(key);
    if (!before) this.#known.set(key, scores);
    const isSame =
      scores.length > 0 &&
      (!before || before.every((value, i) => Math.abs(value - (scores[i] ?? 9)) < TOLERANCE));
    if (isSame) return;
    this.wrong += 1;
    this.#keep(`${client}: ${release} answered image ${image} in two ways`, nowMs);
  }

  problem(what: string, nowMs: number): void {
    this.#keep(what, nowMs);
  }

  #keep(what: string, nowMs: number): void {
    this.unexplained.push(`${new Date(nowMs).toISOString()} ${what}`);
  }
}
