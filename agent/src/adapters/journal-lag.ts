import type { Database } from 'better-sqlite3';

/** Above this many rows tele.db is told at once: a backlog that drains must not be kept in memory. */
const MAX_ROWS = 16;
/** Rows that may have been sent without tele.db having been told: the oldest without a number. */
export const MOST_UNTOLD = MAX_ROWS + 1;

export interface Numbered {
  readonly rowKey: string;
  readonly bytes: number;
  readonly start: number;
  readonly seq: number;
}

export interface Taken {
  readonly rowKey: string;
  readonly outcome: 'stored' | 'quarantined';
  readonly atMs: number;
}

/**
 * What tele.db is told with its next row instead of at once, so that a report costs a card as few pages and syncs as can be:
 * the number that a row was given (control.db has it), and that the server took it. A start after a cut reads the numbers
 * from the ledger, and sends once more what the server took last, under the same number.
 */
export class TelemetryLag {
  readonly #numbered = new Map<number, Numbered>();
  readonly #taken = new Map<number, Taken>();
  /** Rows taken whose end stands in the ledger: only those may go. */
  readonly #settled = new Set<number>();

  get isLong(): boolean {
    return this.#taken.size + this.#numbered.size > MAX_ROWS;
  }

  get takenRows(): number {
    return this.#taken.size;
  }

  isTaken(id: number): boolean {
    return this.#taken.has(id);
  }

  numberOf(id: number): Numbered | undefined {
    return this.#numbered.get(id);
  }

  /** Rows with a number that wait for the server, of one start. */
  waiting(start: number): (Numbered & { readonly id: number })[] {
    return [...this.#numbered]
      .filter(([id, one]) => one.start === start && !this.#taken.has(id))
      .map(([id, one]) => ({ id, ...one }));
  }

  number(id: number, numbered: Numbered): void {
    this.#numbered.set(id, numbered);
  }

  take(id: number, taken: Taken): void {
    this.#taken.set(id, taken);
  }

  /** What the ledger has not been told yet. */
  unsettled(): (Taken & { readonly id: number })[] {
    return [...this.#taken].filter(([id]) => !this.#settled.has(id)).map(([id, one]) => ({ id, ...one }));
  }

  settled(ids: readonly number[]): void {
    for (const id of ids) this.#settled.add(id);
  }

  /** Inside the caller's transaction on tele.db; `written` after its commit. */
  write(tele: Database): void {
    const remove = tele.prepare('DELETE FROM outbox WHERE id = ?');
    const number = tele.prepare('UPDATE outbox SET start = ?, seq = ? WHERE id = ?');
    for (const id of this.#settled) remove.run(id);
    for (const [id, { start, seq }] of this.#numbered) {
      if (!this.#settled.has(id)) number.run(start, seq, id);
    }
  }

  written(): void {
    for (const id of this.#settled) this.#taken.delete(id);
    this.#settled.clear();
    this.#numbered.clear();
  }
}
