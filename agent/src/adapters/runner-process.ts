import type { Duplex } from 'node:stream';

/** A runner program that is up and has no model yet, whoever launched it. */
export interface RunnerProcess {
  /** The framed Unix socket; nothing has been read from it. */
  readonly socket: Duplex;
  readonly pid: number;
  /** Ends it at once, also while it is inside native code. Idempotent. */
  kill(): void;
  /** Settles once, when it is gone; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** The end of what it printed, where that can be known. */
  lastWords(): string;
}

export interface ProcessExit {
  /** In words: `signal SIGKILL`, `exit code 1`. */
  readonly how: string;
  /** What it means when no model was loaded yet. */
  readonly whileLoading: 'MODEL_LOAD_FAILED' | 'RUNNER_START_FAILED';
}
