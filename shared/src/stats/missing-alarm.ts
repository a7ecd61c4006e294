import { bernoulliEProcess } from './bernoulli-e-process.ts';

/** Nobody is woken for less. */
const LEAST_SHARE = 0.01;
/** Evidence that a share is larger may be looked at after every value (Ville's inequality). */
const ALPHA = 1e-7;
/** What is longer ago says nothing of now. */
const MEMORY = 8_192;
/** Values over which the share has to be as declared again. */
const CALM_VALUES = 1_024;

/** Whether more values of a feature are missing than its release bears. Two additions a value that is there. */
export class MissingAlarm {
  readonly limit: number;
  readonly #evidence: ReturnType<typeof bernoulliEProcess>;
  #values = 0;
  #missing = 0;
  #raised: number | undefined;

  /** `share`: what the release declares, 0 where it declares nothing. */
  constructor(share: number) {
    this.limit = Math.min(0.99, Math.max(LEAST_SHARE, share));
    this.#evidence = bernoulliEProcess(this.limit, 'above');
  }

  /** The share that was missing when it was last looked at, while the alarm is raised. */
  get raised(): number | undefined {
    return this.#raised;
  }

  add(isMissing: boolean): void {
    this.#values += 1;
    if (isMissing) this.#missing += 1;
    const share = this.#missing / this.#values;
    if (this.#raised !== undefined) {
      if (this.#values < CALM_VALUES) return;
      this.#raised = share <= this.limit ? undefined : share;
    } else if (isMissing && this.#evidence.rejects(this.#missing, this.#values, ALPHA)) {
      this.#raised = share;
    } else if (this.#values < MEMORY) {
      return;
    }
    this.#values = 0;
    this.#missing = 0;
  }
}
