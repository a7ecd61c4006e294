/** Levels of a request as Triton numbers them: 1 is the most urgent. */
export const PRIORITY_LEVELS = 5;
/** What a request has that says nothing, or 0. */
export const DEFAULT_PRIORITY = 3;
/** A level that was passed over so often in a row is served next: urgent work may slow the rest down, never starve it. */
export const MAX_PASSED_OVER = 8;

interface Level<T> {
  readonly items: T[];
  passedOver: number;
}

/**
 * A bounded queue with levels of priority; within a level, first come, first served. Level 0 is for what is not a
 * request: always first, never refused.
 */
export class PriorityQueue<T> {
  readonly #levels: readonly Level<T>[] = Array.from({ length: PRIORITY_LEVELS + 1 }, () => ({
    items: [],
    passedOver: 0,
  }));
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Takes one in where fewer than `max` wait, and gives back who has no room: nobody, the newest of the least urgent,
   * where that is less urgent than the newcomer, or else the newcomer itself.
   */
  push(item: T, level: number, max: number): T | undefined {
    const full = level > 0 && this.#size >= max;
    const least = full ? this.#levels.findLast(({ items }) => items.length > 0) : undefined;
    if (full && (!least || this.#levels.indexOf(least) <= level)) return item;
    const displaced = least?.items.pop();
    if (!least) this.#size += 1;
    (this.#levels[level] as Level<T>).items.push(item);
    return displaced;
  }

  take(): T | undefined {
    let next: Level<T> | undefined;
    for (const level of this.#levels) {
      if (level.items.length === 0) continue;
      const isStarving = level.passedOver >= MAX_PASSED_OVER && next !== this.#levels[0];
      if (!next || isStarving) {
        if (next) next.passedOver += 1;
        next = level;
      } else level.passedOver += 1;
    }
    if (!next) return undefined;
    next.passedOver = 0;
    this.#size -= 1;
    return next.items.shift();
  }

  /** Whether it was there. */
  remove(item: T): boolean {
    for (const { items } of this.#levels) {
      const place = items.indexOf(item);
      if (place < 0) continue;
      items.splice(place, 1);
      this.#size -= 1;
      return true;
    }
    return false;
  }

  /** Takes all out. */
  drain(): T[] {
    this.#size = 0;
    return this.#levels.flatMap(({ items }) => items.splice(0));
  }
}
