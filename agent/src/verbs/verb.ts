import type { Logger } from 'pino';

/** What a verb may touch; `main.ts` makes it of the process. */
export interface VerbContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Results, one line or block each; ends with a newline. */
  readonly print: (text: string) => void;
  /** Progress and what went wrong, for a person. */
  readonly complain: (text: string) => void;
  /** Rewrites one line of a terminal; absent where there is none. */
  readonly showProgress?: (line: string) => void;
  /** Aborted by Ctrl-C and SIGTERM. A verb that asks for it must end by itself. */
  readonly untilEnded: () => AbortSignal;
  /** JSON lines; `out` is the service's stdout, everything else logs to stderr. */
  readonly makeLog: (level: string, to?: 'out' | 'err') => Logger;
}

/** One verb of `ringfleet-agent`, with options of its own. */
export interface Verb {
  readonly name: string;
  /** Its lines in the help: how it is called, and what it does. */
  readonly help: readonly (readonly [call: string, what: string])[];
  /** Resolves with the exit code. Throws USAGE_INVALID for arguments it cannot read. */
  run(args: readonly string[], context: VerbContext): Promise<number>;
}
