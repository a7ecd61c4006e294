import type { IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, ReportsReply, type ReportsRequest, WIPE_HEADER } from '@ringfleet/shared/protocol';
import { MAX_METADATA_BYTES } from '@ringfleet/shared/trust';
import type { AssignmentReply, DeviceApi } from '../ports/device-api.ts';
import { callHttps, type HttpsCall, readJson, readText, refusalOf } from './https-request.ts';
import type { Identity } from './identity.ts';
import { DEFAULT_PACE, type Pace, paced } from './paced.ts';
import { PinnedAgent, pinOf } from './pinned-tls.ts';
import type { ProxyFor } from './proxy-choice.ts';

const IDLE_MS = 30_000;
const MAX_REPLY_BYTES = 1024 * 1024;
const checkReply = checkerOf(ReportsReply, 'reports reply');

export interface DeviceHttpOptions {
  /** Trusted now: what the server's certificate is judged by. */
  readonly nowMs: () => number;
  /** The least that an answer must bring; else DEFAULT_PACE. */
  readonly pace?: Pace;
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
  /** The server itself said something. */
  readonly answered?: () => void;
  /** Nobody answered, or somebody else. */
  readonly failed?: (err: unknown) => void;
}

/** `/device/v1/*` over HTTPS with the device's certificate. */
export class DeviceHttp implements DeviceApi {
  readonly #baseUrl: string;
  readonly #options: DeviceHttpOptions;
  #agent: Agent;

  /** `apiUrl` may differ from the enrolled address; the server's identity may not. */
  constructor(identity: Identity, apiUrl: string, options: DeviceHttpOptions) {
    this.#baseUrl = apiUrl.replace(/\/+$/, '');
    this.#options = options;
    this.#agent = this.#agentOf(identity);
  }

  /** From the next request on, with a renewed certificate; what is under way ends on its own connection. */
  use(identity: Identity): void {
    this.#agent = this.#agentOf(identity);
  }

  async assignment(etag: string | null, signal: AbortSignal): Promise<AssignmentReply> {
    const response = await this.#get('/device/v1/assignment', signal, etag ? { 'if-none-match': etag } : {});
    const name = response.headers[WIPE_HEADER];
    const wipe = typeof name === 'string' ? { wipe: name } : {};
    if (response.statusCode === 304) {
      response.resume();
      return { kind: 'unchanged', ...wipe };
    }
    await this.#expect(response, 200, '/device/v1/assignment');
    const tag = response.headers.etag;
    return {
      kind: 'document',
      text: await this.#read(response, MAX_METADATA_BYTES, signal),
      etag: tag ?? null,
      ...wipe,
    };
  }

  async metadata(file: string, signal: AbortSignal): Promise<string | null> {
    const path = `/device/v1/metadata/${file}`;
    const response = await this.#get(path, signal);
    if (response.statusCode === 404) {
      response.resume();
      return null;
    }
    await this.#expect(response, 200, path);
    return this.#read(response, MAX_METADATA_BYTES, signal);
  }

  async bringBack(file: string, document: string, signal: AbortSignal): Promise<boolean> {
    const path = `/device/v1/metadata/${file}`;
    const response = await this.#call('PUT', path, signal, { body: document });
    if (response.statusCode === 204) {
      response.resume();
      return false;
    }
    await this.#expect(response, 200, path);
    response.resume();
    return true;
  }

  async artifact(
    digest: string,
    from: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly bytes: AsyncIterable<Uint8Array> }> {
    const path = `/device/v1/artifacts/sha256/${digest.replace('sha256:', '')}`;
    const response = await this.#get(path, signal, from > 0 ? { range: `bytes=${from}-` } : {});
    if (response.statusCode === 206 && from > 0)
      return { startsAt: from, bytes: this.#body(response, signal) };
    // The part that is here is as long as the whole, or longer: start again.
    if (response.statusCode === 416) {
      response.resume();
      return this.artifact(digest, 0, signal);
    }
    await this.#expect(response, 200, path);
    return { startsAt: 0, bytes: this.#body(response, signal) };
  }

  async wipeOrder(signal: AbortSignal): Promise<string | null> {
    const path = '/device/v1/wipe';
    const response = await this.#get(path, signal);
    if (response.statusCode === 204) {
      response.resume();
      return null;
    }
    await this.#expect(response, 200, path);
    return this.#read(response, MAX_METADATA_BYTES, signal);
  }

  async reports(request: ReportsRequest, signal: AbortSignal): Promise<ReportsReply> {
    const path = '/device/v1/reports';
    const response = await this.#call('POST', path, signal, { body: JSON.stringify(request) });
    await this.#expect(response, 200, path);
    return checkReply(await readJson(this.#body(response, signal), MAX_REPLY_BYTES));
  }

  close(): void {
    this.#agent.destroy();
  }

  #agentOf(identity: Identity): Agent {
    const { nowMs, proxyFor } = this.#options;
    return new PinnedAgent(pinOf(identity, identity.apiUrl, nowMs), proxyFor);
  }

  #get(path: string, signal: AbortSignal, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    return this.#call('GET', path, signal, { headers });
  }

  async #call(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    signal: AbortSignal,
    more: Pick<HttpsCall, 'headers' | 'body'>,
  ): Promise<IncomingMessage> {
    const { answered, failed } = this.#options;
    const call = { method, url: this.#baseUrl + path, agent: this.#agent, idleMs: IDLE_MS, signal };
    try {
      const response = await callHttps({ ...call, ...more });
      answered?.();
      return response;
    } catch (err) {
      failed?.(err);
      throw err;
    }
  }

  #read(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<string> {
    return readText(this.#body(response, signal), maxBytes);
  }

  async *#body(response: IncomingMessage, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { pace = DEFAULT_PACE } = this.#options;
    try {
      yield* paced(response, pace, () => response.destroy());
    } catch (err) {
      throw brokenOff(err, signal);
    }
  }

  async #expect(response: IncomingMessage, status: number, path: string): Promise<void> {
    if (response.statusCode !== status) throw await refusalOf(response, this.#baseUrl + path);
  }
}

function brokenOff(err: unknown, signal: AbortSignal): Error {
  if (err instanceof CodedError) return err;
  if (signal.aborted) return new CodedError('ABORTED', undefined, { cause: err });
  return new CodedError('SERVER_UNREACHABLE', 'the connection broke off', { cause: err });
}
