import type { Expectation } from '../release/index.ts';

export const VIOLATIONS = ['missing', 'outOfRange', 'unknownCategory', 'wrongType'] as const;
export type Violation = (typeof VIOLATIONS)[number];

/** Values over which the share of missing ones is taken. */
const MISSING_WINDOW = 128;

/** Looks at the values of one feature, one after the other. A few comparisons a value, and memory for 128 bits of the past. */
export class ExpectationCheck {
  readonly #expectation: Expectation;
  readonly #min: number;
  readonly #max: number;
  readonly #values: ReadonlySet<number> | undefined;
  readonly #mostMissing: number;
  /** Which of the last values were missing, as a ring. */
  readonly #wasMissing = new Uint8Array(MISSING_WINDOW);
  #next = 0;
  #missing = 0;

  /** `round` is how the input's datatype holds a number, so that a value equal to a limit is equal to it on a device. */
  constructor(expectation: Expectation, round: (x: number) => number = (x) => x) {
    this.#expectation = expectation;
    this.#min = round(expectation.min ?? Number.NEGATIVE_INFINITY);
    this.#max = round(expectation.max ?? Number.POSITIVE_INFINITY);
    this.#values = expectation.values && new Set(expectation.values.map(round));
    this.#mostMissing = Math.floor((expectation.missing ?? 0) * MISSING_WINDOW + 1e-9);
  }

  /** What is wrong with the next value; NaN is a missing one. */
  of(x: number): Violation | undefined {
    const isMissing = Number.isNaN(x);
    this.#remember(isMissing);
    if (isMissing) return this.#missing > this.#mostMissing ? 'missing' : undefined;
    const { type } = this.#expectation;
    if (type === 'integer' && !Number.isInteger(x)) return 'wrongType';
    if (type === 'boolean' && x !== 0 && x !== 1) return 'wrongType';
    if (this.#values && !this.#values.has(x)) return 'unknownCategory';
    return x < this.#min || x > this.#max ? 'outOfRange' : undefined;
  }

  /** The violation in words that name the limit and never the value. */
  inWords(violation: Violation, x: number): string {
    const { min, max, missing = 0, type, values } = this.#expectation;
    switch (violation) {
      case 'missing':
        return missing === 0
          ? 'is missing, and may not be'
          : `is missing as more than ${missing * 100} % of the last ${MISSING_WINDOW} are`;
      case 'outOfRange':
        return x < this.#min ? `is below the minimum of ${min}` : `is above the maximum of ${max}`;
      case 'unknownCategory':
        return `is none of the ${values?.length} allowed values`;
      default:
        return `is no ${type}`;
    }
  }

  #remember(isMissing: boolean): void {
    // A stream without missing values costs one comparison.
    if (!isMissing && this.#missing === 0) return;
    this.#missing += Number(isMissing) - (this.#wasMissing[this.#next] as number);
    this.#wasMissing[this.#next] = Number(isMissing);
    this.#next = (this.#next + 1) % MISSING_WINDOW;
  }
}
