import type { Production } from './production.ts';

/** One deliberate mistake, as a wrapper around what ships. */
export interface Breakage {
  readonly name: string;
  /** What somebody may get wrong. */
  readonly mistake: string;
  /** One of these invariants notices it. */
  readonly noticedBy: readonly string[];
  /** Seeds 1 to this, at `updates` device updates each, within which it is found. */
  readonly withinSeeds: number;
  readonly wrap: (production: Production) => Partial<Production>;
}
