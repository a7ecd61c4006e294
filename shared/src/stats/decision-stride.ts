/** Correlation that is small enough to count samples as independent. */
const INDEPENDENT = 0.05;
/** Longer strides than this would leave nothing to decide on. */
const MAX_STRIDE = 64;
/** What came long ago counts less: the correlation of a stream changes with what it watches. */
const MEMORY = 1 / 1_024;
const MIN_SAMPLES = 128;

/**
 * How many samples of a stream make one for decisions: neighbours that are alike are not independent, and counting them
 * as such is the main source of false alarms. 1 while too little is known.
 */
export const strideOf = (correlation: number): number => {
  const rho = Math.abs(correlation);
  if (!(rho > INDEPENDENT)) return 1;
  if (rho >= 1) return MAX_STRIDE;
  return Math.min(MAX_STRIDE, Math.ceil(Math.log(INDEPENDENT) / Math.log(rho)));
};

/** The correlation of a stream with itself one sample before, by running means. A few additions a sample. */
export class LagOneCorrelation {
  #samples = 0;
  #mean = 0;
  #variance = 0;
  #covariance = 0;
  #last = 0;

  add(x: number): void {
    this.#samples += 1;
    const weight = Math.max(MEMORY, 1 / this.#samples);
    const before = x - this.#mean;
    this.#mean += weight * before;
    const after = x - this.#mean;
    if (this.#samples > 1) {
      this.#variance += weight * (before * after - this.#variance);
      this.#covariance += weight * (after * this.#last - this.#covariance);
    }
    this.#last = after;
  }

  get value(): number {
    if (this.#samples < MIN_SAMPLES || this.#variance <= 0) return 0;
    const correlation = this.#covariance / this.#variance;
    // What independent samples show by chance.
    const chance = 2 / Math.sqrt(Math.min(this.#samples, 2 / MEMORY));
    return Math.abs(correlation) < chance ? 0 : correlation;
  }
}
