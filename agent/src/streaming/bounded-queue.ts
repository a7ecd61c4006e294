/** Holds what waits, and drops one end of it where more comes than goes: memory stays, and the delay with it. */
export class BoundedQueue<T> {
  readonly #items: T[] = [];
  readonly #max: number;
  readonly #drop: 'oldest' | 'newest';
  dropped = 0;

  constructor(max: number, drop: 'oldest' | 'newest') {
    this.#max = max;
    this.#drop = drop;
  }

  push(item: T): void {
    if (this.#items.length >= this.#max) {
      this.dropped += 1;
      if (this.#drop === 'newest') return;
      this.#items.shift();
    }
    this.#items.push(item);
  }

  take(): T | undefined {
    return this.#items.shift();
  }
}
