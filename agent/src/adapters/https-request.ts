import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { CodedError } from '@ringfleet/shared/errors';
import { refuseForeign } from './connection-fault.ts';

export interface HttpsCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent: Agent;
  /** Silence longer than this ends the call; slow but steady transfers go on. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

/**
 * One request; answers with status and body stream. Throws SERVER_UNREACHABLE and the other codes of a network that does
 * not lead to the server (`isNoContact`), ABORTED.
 */
export function callHttps(call: HttpsCall): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(unreachable(call, cause));
    if (call.signal?.aborted) {
      reject(new CodedError('ABORTED'));
      return;
    }
    const req = request(
      call.url,
      {
        method: call.method,
        headers: {
          ...call.headers,
          ...(call.body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(call.body)) }),
        },
        agent: call.agent,
        ...(call.signal ? { signal: call.signal } : {}),
        timeout: call.idleMs,
      },
      (response) => {
        try {
          refuseForeign(response, call.url);
          resolve(response);
        } catch (err) {
          response.destroy();
          reject(err);
        }
      },
    );
    // Headers that come a byte at a time are never silent.
    const headersLate = setTimeout(
      () => req.destroy(new Error(`no answer within ${2 * call.idleMs} ms`)),
      2 * call.idleMs,
    );
    req.on('close', () => clearTimeout(headersLate));
    req.on('response', () => clearTimeout(headersLate));
    req.on('timeout', () => req.destroy(new Error(`silent for ${call.idleMs} ms`)));
    req.on('error', fail);
    req.end(call.body);
  });
}

/** Reads a whole, bounded body as text. Throws SERVER_REFUSED when it is larger. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop destroys the response.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new CodedError('SERVER_REFUSED', `the answer is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The same as JSON; nothing is known of its content. Throws FOREIGN_ANSWER when it is none. */
export async function readJson(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<unknown> {
  const text = await readText(body, maxBytes);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CodedError('FOREIGN_ANSWER', 'the answer is not JSON', { cause });
  }
}

/** The sentence of an error answer: a problem document's code and detail, else the status. */
export async function refusalOf(response: IncomingMessage, url: string): Promise<CodedError> {
  const text = await readText(response, 64 * 1024).catch(() => '');
  const at = new URL(url).pathname;
  try {
    const problem = JSON.parse(text) as { code?: unknown; detail?: unknown; title?: unknown };
    const what = [problem.code, problem.detail ?? problem.title]
      .filter((one) => typeof one === 'string')
      .join(': ');
    return new CodedError('SERVER_REFUSED', `status ${response.statusCode}: ${what || 'no reason given'}`, {
      at,
    });
  } catch {
    // Not a problem document: a proxy may have answered.
    return new CodedError('SERVER_REFUSED', `status ${response.statusCode}`, { at });
  }
}

function unreachable(call: HttpsCall, cause: Error): CodedError {
  if (call.signal?.aborted) return new CodedError('ABORTED', undefined, { cause });
  if (cause instanceof CodedError) return cause;
  const { origin } = new URL(call.url);
  return new CodedError('SERVER_UNREACHABLE', `${origin}: ${cause.message}`, { cause, at: origin });
}
