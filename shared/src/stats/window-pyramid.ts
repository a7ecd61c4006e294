/** Samples of the smallest window; every level above holds twice as many. */
export const BASE_WINDOW = 128;
export const LARGEST_WINDOW = 16_384;
const LEVELS = Math.log2(LARGEST_WINDOW / BASE_WINDOW) + 1;

/** A window that is full: its samples, per bin. */
export interface ClosedWindow {
  readonly samples: number;
  readonly counts: readonly number[];
}

/**
 * Histograms of the last full window of 128, 256 … 16 384 samples of one number. Windows of a level follow each other
 * without overlap; two of a level make one of the next. Adding is one addition, and at the end of a window of 128 a few
 * more; memory is two histograms a level, however many samples come.
 */
export class WindowPyramid {
  readonly #filling: Uint32Array[];
  readonly #closed: (Uint32Array | undefined)[];
  /** Windows of 128 that ended. */
  #bases = 0;
  #inBase = 0;

  constructor(bins: number) {
    this.#filling = Array.from({ length: LEVELS }, () => new Uint32Array(bins));
    this.#closed = new Array<Uint32Array | undefined>(LEVELS).fill(undefined);
  }

  add(bin: number): void {
    const base = this.#filling[0] as Uint32Array;
    base[bin] = (base[bin] as number) + 1;
    this.#inBase += 1;
    if (this.#inBase === BASE_WINDOW) this.#close();
  }

  /** The full windows, smallest first. */
  windows(): ClosedWindow[] {
    return this.#closed.flatMap((counts, level) =>
      counts ? [{ samples: BASE_WINDOW * 2 ** level, counts: [...counts] }] : [],
    );
  }

  #close(): void {
    this.#inBase = 0;
    this.#bases += 1;
    for (let level = 0; level < LEVELS && this.#bases % 2 ** level === 0; level++) {
      const full = this.#filling[level] as Uint32Array;
      const next = this.#filling[level + 1];
      if (next) for (let i = 0; i < full.length; i++) next[i] = (next[i] as number) + (full[i] as number);
      // The old window's memory becomes the next one to fill.
      const spare = this.#closed[level] ?? new Uint32Array(full.length);
      this.#closed[level] = full;
      this.#filling[level] = spare.fill(0);
    }
  }
}
