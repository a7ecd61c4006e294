/** Values that differ from the one before that end the alarm. */
const MOVING = 16;
/** A sensor that is read faster than it measures repeats itself, but not for that long. */
const SHORTEST_MS = 60_000;

/** A number that does not change any more: a sensor that hangs, a frozen camera. Three comparisons a value. */
export class StuckRun {
  readonly #after: number;
  #last = Number.NaN;
  #run = 0;
  #sinceMs = 0;
  #moved = 0;
  #isRaised = false;

  /** `after`: equal values in a row that the reference makes improbable. */
  constructor(after: number) {
    this.#after = after;
  }

  /** Equal values in a row while the alarm is raised, else undefined. */
  get raised(): number | undefined {
    return this.#isRaised ? this.#run : undefined;
  }

  add(x: number, nowMs: number): void {
    if (x === this.#last) {
      this.#run += 1;
      this.#moved = 0;
      if (this.#run >= this.#after && nowMs - this.#sinceMs >= SHORTEST_MS) this.#isRaised = true;
      return;
    }
    this.#last = x;
    this.#sinceMs = nowMs;
    this.#moved += 1;
    if (this.#isRaised && this.#moved < MOVING) return;
    this.#isRaised = false;
    this.#run = 1;
  }
}
