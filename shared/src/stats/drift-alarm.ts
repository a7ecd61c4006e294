import { gTest } from './divergence.ts';
import type { ClosedWindow } from './window-pyramid.ts';

export interface RaisedDrift {
  /** G of the newest window above its threshold, and that threshold. */
  readonly g: number;
  readonly threshold: number;
  readonly samples: number;
}

/**
 * Whether one number has left its reference. Any full window above the threshold of its level raises it: the thresholds
 * are made for as many looks. The smallest level that saw it ends it, when its windows were within bounds for as many
 * samples as they hold, so that what large windows remember does not keep an alarm alive that is over.
 */
export class DriftAlarm {
  readonly #reference: readonly number[];
  readonly #thresholds: readonly number[];
  #raised: RaisedDrift | undefined;
  #level = 0;
  #calm = 0;

  /** `reference` counts what decides: thinned by the stride, where neighbours are alike. */
  constructor(reference: readonly number[], thresholds: readonly number[]) {
    this.#reference = reference;
    this.#thresholds = thresholds;
  }

  get raised(): RaisedDrift | undefined {
    return this.#raised;
  }

  /** Looks at the windows, smallest first, whenever they have moved on. `ended`: what larger ones hold is over, too. */
  look(windows: readonly ClosedWindow[]): 'raised' | 'ended' | undefined {
    const wasRaised = this.#raised !== undefined;
    for (const [level, window] of windows.entries()) {
      const threshold = this.#thresholds[level];
      if (threshold === undefined) continue;
      const { g } = gTest(this.#reference, window.counts);
      if (g > threshold) {
        if (!this.#raised || level <= this.#level) this.#level = level;
        this.#raised = { g, threshold, samples: window.samples };
        if (level === this.#level) this.#calm = 0;
      } else if (this.#raised && level === this.#level) {
        this.#calm += 1;
      }
    }
    if (this.#raised && this.#calm > 2 ** this.#level) {
      this.#raised = undefined;
      this.#calm = 0;
      return 'ended';
    }
    return this.#raised && !wasRaised ? 'raised' : undefined;
  }
}
