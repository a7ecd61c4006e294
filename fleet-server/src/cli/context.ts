import type { Command } from 'commander';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends `body`, a string, as it is, under this content type; without it the body goes as JSON. */
  readonly contentType?: string;
  /** How the answer is read; by default JSON, and undefined when there is no body. */
  readonly as?: 'json' | 'text';
  /** Statuses besides 2xx that are an ordinary outcome: the request then answers null (404 of a HEAD, say). */
  readonly expect?: readonly number[];
  /** For the sign-in itself: no token is needed and none is sent. */
  readonly isAnonymous?: boolean;
}

export interface Download {
  readonly startsAt: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What a verb needs of the world. Verbs throw CodedError; the frame prints it and chooses the exit code. */
export interface CliContext {
  readonly json: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly watch: boolean;
  /** `--timeout`; null when it was not given. */
  readonly timeoutMs: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and by the end of `--timeout`. */
  readonly signal: AbortSignal;
  /**
   * One request to the people's API. `path` is taken under /api/v1 unless it begins with `/api/`. Problems come back as
   * CodedError with the server's code; no answer is SERVER_UNREACHABLE. With --dry-run the first request that changes
   * something is shown instead of sent, and the command ends well.
   */
  request(method: HttpMethod, path: string, body?: unknown, options?: RequestOptions): Promise<unknown>;
  /** PUTs a raw stream of `length` bytes. */
  upload(path: string, stream: AsyncIterable<Uint8Array>, length: number): Promise<void>;
  /** GETs raw bytes from `from` on; `startsAt` is 0 when the server sends the whole nevertheless. */
  download(path: string, from: number): Promise<Download>;
  /** The result, on stdout: `value` with --json, else `text`. */
  print(value: unknown, text: string): void;
  /** A line on stderr. */
  progress(line: string): void;
  /** Asks before something that is hard to undo; --yes answers. Throws CONFIRMATION_NEEDED where nobody can be asked. */
  confirm(question: string): Promise<void>;
}

/**
 * What each family of verbs exports: `register…Commands(program, context)`. `context()` is called inside an action, when
 * the global flags are known.
 */
export type RegisterCommands = (program: Command, context: () => CliContext) => void;
