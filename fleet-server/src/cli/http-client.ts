import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import { Agent, type Dispatcher, request as httpRequest } from 'undici';
import type { Download, HttpMethod, RequestOptions } from './context.ts';
import type { Connection } from './context-connection.ts';

/** Long enough for a server that hashes a large file before it answers. */
const SILENCE_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Requests to one server's people API; problems come back as CodedError. */
export class HttpClient {
  readonly #connection: Omit<Connection, 'token'> & { readonly token: string | null };
  readonly #signal: AbortSignal;
  readonly #agent: Agent;
  /** Artifacts are as long as they are: the one who asks knows their length. */
  readonly #artifacts: Agent;

  constructor(
    connection: Omit<Connection, 'token'> & { readonly token: string | null },
    signal: AbortSignal,
  ) {
    this.#connection = connection;
    this.#signal = signal;
    const options = {
      connect: { timeout: 10_000, ...(connection.ca === undefined ? {} : { ca: connection.ca }) },
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    };
    this.#agent = new Agent({ ...options, maxResponseSize: MAX_ANSWER_BYTES });
    this.#artifacts = new Agent(options);
  }

  async request(
    method: HttpMethod,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    const payload = payloadOf(body, options);
    const response = await this.#send(
      method,
      path,
      { ...options.headers, ...payload.headers },
      payload.body ?? null,
    );
    if (options.expect?.includes(response.statusCode)) {
      await response.body.dump();
      return null;
    }
    const text = await this.#read(response);
    if (response.statusCode >= 400) throw problemOf(response.statusCode, text);
    if (options.as === 'text') return text;
    return text === '' ? undefined : parsed(text);
  }

  async upload(path: string, stream: AsyncIterable<Uint8Array>, length: number): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(length) };
    const response = await this.#send('PUT', path, headers, Readable.from(stream));
    const text = await this.#read(response);
    if (response.statusCode >= 400) throw problemOf(response.statusCode, text);
  }

  async download(path: string, from: number): Promise<Download> {
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    const response = await this.#send('GET', path, headers, null, this.#artifacts);
    if (response.statusCode >= 400) throw problemOf(response.statusCode, await this.#read(response));
    return { startsAt: response.statusCode === 206 ? from : 0, bytes: this.#guarded(response) };
  }

  async *#guarded(response: Dispatcher.ResponseData): AsyncIterable<Uint8Array> {
    try {
      yield* response.body as AsyncIterable<Uint8Array>;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#artifacts.destroy()]);
  }

  async #send(
    method: HttpMethod,
    path: string,
    headers: Record<string, string>,
    body: string | Readable | null,
    dispatcher = this.#agent,
  ): Promise<Dispatcher.ResponseData> {
    const full = path.startsWith('/api/') ? path : `/api/v1/${path.replace(/^\//, '')}`;
    try {
      return await httpRequest(new URL(full, this.#connection.url), {
        method,
        headers: {
          ...(this.#connection.token === null ? {} : { authorization: `Bearer ${this.#connection.token}` }),
          accept: 'application/json, application/problem+json',
          ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
          ...headers,
        },
        body,
        dispatcher,
        signal: this.#signal,
      });
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async #read(response: Dispatcher.ResponseData): Promise<string> {
    try {
      return await response.body.text();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): CodedError {
    if (cause instanceof CodedError) return cause;
    if (this.#signal.aborted) return this.#signal.reason as CodedError;
    const { code = '', message = '' } = cause as NodeJS.ErrnoException;
    const where = this.#connection.url.origin;
    if (TLS_FAILURES.test(code))
      return new CodedError('SERVER_NOT_TRUSTED', `${where}: ${message}`, { cause });
    return new CodedError('SERVER_UNREACHABLE', `${where}: ${message || code}`, { cause });
  }
}

const TLS_FAILURES = /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT)/;

function payloadOf(
  body: unknown,
  options: RequestOptions,
): { headers: Record<string, string>; body?: string } {
  if (body === undefined) return { headers: {} };
  if (options.contentType !== undefined && typeof body === 'string') {
    return { headers: { 'content-type': options.contentType }, body };
  }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** The server's problem (RFC 9457) with its own code; a code this side does not know keeps its text. */
function problemOf(status: number, text: string): CodedError {
  const problem = parsedOrNull(text) as { code?: unknown; detail?: unknown; at?: unknown } | null;
  const code = typeof problem?.code === 'string' ? problem.code : null;
  const detail = typeof problem?.detail === 'string' ? problem.detail : undefined;
  if (code === null) return new CodedError('SERVER_ANSWER_UNEXPECTED', `status ${status}`);
  if (!lookUpCode(code)) return new CodedError('SERVER_ANSWER_UNEXPECTED', `${code}: ${detail ?? ''}`);
  return new CodedError(code as ErrorCode, detail, typeof problem?.at === 'string' ? { at: problem.at } : {});
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('SERVER_ANSWER_UNEXPECTED', 'the answer is not JSON', { cause });
  }
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's error page: the status is all there is to say.
    return null;
  }
}
