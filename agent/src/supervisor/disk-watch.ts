export interface DiskTrouble {
  /** What the last write met. */
  readonly message: string;
  /** Epoch ms of the first write that failed. */
  readonly sinceMs: number;
}

const MAX_MESSAGE = 300;

/** Remembers which writes to the state folder fail, for `status`: such a disk takes no event that tells of it. */
export class DiskWatch {
  readonly #nowMs: () => number;
  readonly #failing = new Map<string, DiskTrouble>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What failed first of all that fails now; null while everything is written. */
  get trouble(): DiskTrouble | null {
    return this.#failing.values().next().value ?? null;
  }

  /** `what` names the writer: what it writes next tells whether the disk is well again. */
  failed(what: string, err: unknown): void {
    const message = (err instanceof Error ? err.message : String(err)).slice(0, MAX_MESSAGE);
    const sinceMs = this.#failing.get(what)?.sinceMs ?? Math.round(this.#nowMs());
    this.#failing.set(what, { message, sinceMs });
  }

  worked(what: string): void {
    this.#failing.delete(what);
  }
}
