/** Samples of the smallest window; every level above holds twice as many. */
export const BASE_WINDOW = 128;
export const LARGEST_WINDOW = 16_384;
export const WINDOW_LEVELS = Math.log2(LARGEST_WINDOW / BASE_WINDOW) + 1;
const BASES = LARGEST_WINDOW / BASE_WINDOW;

/** A window that is full: its samples, per bin. */
export interface ClosedWindow {
  readonly samples: number;
  readonly counts: readonly number[];
}

/**
 * Histograms of the last 128, 256 … 16 384 samples of one number, moving on by 128: what changed is seen whole by the
 * next window that is large enough, wherever it began. Adding is one addition, and after 128 samples two a bin and level;
 * memory is a byte per bin of the last 128 windows of 128, however many samples come.
 */
export class WindowPyramid {
  readonly #bins: number;
  readonly #filling: Uint8Array;
  /** The last windows of 128, as a ring. */
  readonly #ring: Uint8Array;
  readonly #sums: readonly Uint32Array[];
  /** Windows of 128 that ended. */
  #bases = 0;
  #inBase = 0;

  constructor(bins: number) {
    this.#bins = bins;
    this.#filling = new Uint8Array(bins);
    this.#ring = new Uint8Array(bins * BASES);
    this.#sums = Array.from({ length: WINDOW_LEVELS }, () => new Uint32Array(bins));
  }

  /** Whether the windows have moved on. */
  add(bin: number): boolean {
    this.#filling[bin] = (this.#filling[bin] as number) + 1;
    this.#inBase += 1;
    if (this.#inBase < BASE_WINDOW) return false;
    this.#close();
    return true;
  }

  /** The full windows, smallest first. */
  windows(): ClosedWindow[] {
    return this.#sums.flatMap((counts, level) =>
      this.#bases >= 2 ** level ? [{ samples: BASE_WINDOW * 2 ** level, counts: [...counts] }] : [],
    );
  }

  /** Starts anew, as if no sample had come. */
  reset(): void {
    for (const sums of this.#sums) sums.fill(0);
    this.#filling.fill(0);
    this.#bases = 0;
    this.#inBase = 0;
  }

  #close(): void {
    for (let level = 0; level < WINDOW_LEVELS; level++) {
      const sums = this.#sums[level] as Uint32Array;
      const leaving = this.#bases - 2 ** level;
      const at = (leaving % BASES) * this.#bins;
      for (let i = 0; i < this.#bins; i++) {
        const gone = leaving < 0 ? 0 : (this.#ring[at + i] as number);
        sums[i] = (sums[i] as number) + (this.#filling[i] as number) - gone;
      }
    }
    this.#ring.set(this.#filling, (this.#bases % BASES) * this.#bins);
    this.#filling.fill(0);
    this.#bases += 1;
    this.#inBase = 0;
  }
}
