import { FAULTS, type Fault } from './faults.ts';
import type { SeedOutcome } from './play-seed.ts';

/** The sums over many histories. */
export class Tally {
  seeds = 0;
  deviceUpdates = 0;
  virtualMs = 0;
  readonly faults = new Map<Fault, number>();
  readonly violations: SeedOutcome[] = [];
  /** Mistakes of the simulation itself, with their seed. */
  readonly errors: { readonly seed: number; readonly error: string }[] = [];

  add(outcome: SeedOutcome): void {
    this.seeds += 1;
    this.deviceUpdates += outcome.deviceUpdates;
    this.virtualMs += outcome.virtualMs;
    for (const fault of FAULTS) {
      this.faults.set(fault, (this.faults.get(fault) ?? 0) + (outcome.faults[fault] ?? 0));
    }
    if (outcome.violation) this.violations.push(outcome);
  }

  get isClean(): boolean {
    return this.violations.length + this.errors.length === 0;
  }
}

/** One line: what was played and what came of it. The last line of a run. */
export function lastLine(tally: Tally, seconds: number): string {
  const faults = FAULTS.flatMap((fault) => {
    const count = tally.faults.get(fault) ?? 0;
    return count === 0 ? [] : [`${fault} ${count}`];
  });
  const all = [...tally.faults.values()].reduce((sum, count) => sum + count, 0);
  const flaws = tally.violations.length + tally.errors.length;
  const years = (tally.virtualMs / (365 * 86_400_000)).toFixed(2);
  return `${tally.seeds} seeds, ${tally.deviceUpdates} device updates, ${years} virtual years, ${all} faults (${faults.join(', ')}), ${flaws} violations, in ${Math.round(seconds)} s`;
}

export function violationLine({ seed, violation }: SeedOutcome): string {
  if (!violation) return '';
  const at = Math.round(violation.atMs / 1000);
  return `seed ${seed}, virtual second ${at}: ${violation.invariant}: ${violation.message}`;
}

/** The same as figures, for scripts. */
export function jsonLine(tally: Tally, seconds: number, machine: string): string {
  const figure = (what: string, value: number, unit: string, bound: number | null, ok: boolean) => ({
    what,
    value,
    unit,
    bound,
    ok,
  });
  const flaws = tally.violations.length + tally.errors.length;
  return JSON.stringify({
    name: 'simulate',
    machine,
    results: [
      figure('seeds', tally.seeds, 'seeds', 1_000, tally.seeds >= 1_000),
      figure('device updates', tally.deviceUpdates, 'updates', 100_000, tally.deviceUpdates >= 100_000),
      figure('violations', flaws, 'violations', 0, flaws === 0),
      figure('duration', Math.round(seconds), 's', 300, seconds <= 300),
    ],
    faults: Object.fromEntries(tally.faults),
    violations: tally.violations,
    errors: tally.errors,
  });
}

/** `[#####     ] 512/1000 seeds, 53120 updates, 0 violations`, for a terminal. */
export function progressLine(tally: Tally, seeds: number): string {
  const width = 30;
  const done = Math.min(width, Math.floor((tally.seeds / seeds) * width));
  const bar = '#'.repeat(done).padEnd(width);
  const flaws = tally.violations.length + tally.errors.length;
  return `[${bar}] ${tally.seeds}/${seeds} seeds, ${tally.deviceUpdates} updates, ${flaws} violations`;
}
