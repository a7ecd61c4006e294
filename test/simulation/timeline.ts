interface Entry {
  readonly atMs: number;
  readonly serial: number;
  readonly work: () => void | Promise<void>;
}

/** Virtual time: what is due next happens next, and nothing ever waits for a real clock. Ties go in order of planning. */
export class Timeline {
  nowMs: number;
  readonly #heap: Entry[] = [];
  #serial = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  in(delayMs: number, work: () => void | Promise<void>): void {
    this.#serial += 1;
    this.#push({ atMs: this.nowMs + Math.max(0, Math.round(delayMs)), serial: this.#serial, work });
  }

  /** Lets things happen until `untilMs`, or until `isOver`. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      const entry = this.#heap[0];
      if (!entry || entry.atMs > untilMs || isOver()) break;
      this.#pop();
      this.nowMs = entry.atMs;
      const done = entry.work();
      // Most of it is not asynchronous, and a turn of the loop for each would take most of the time.
      if (done instanceof Promise) await done;
    }
    if (!isOver()) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[i] = heap[parent] as Entry;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[i] = heap[child] as Entry;
      i = child;
    }
    heap[i] = last;
  }
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.serial < b.serial);
