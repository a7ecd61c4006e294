import { lookup } from 'node:dns/promises';
import { request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { CodedError } from '@ringfleet/shared/errors';
import { checkWebhookUrl, hostOf, requireReachable } from '../core/webhooks/reachable.ts';
import type { Clock } from '../ports/log.ts';
import type { WebhookMessage, WebhookOutcome, WebhookSender } from '../ports/webhooks.ts';
import { signedHeaders } from '../webhooks/message.ts';

/** The whole attempt: name, connection, handshake and answer. */
const DEADLINE_MS = 10_000;
/** The answer's status is what counts; no more of its body is read. */
const MAX_ANSWER_BYTES = 16 * 1024;

export interface WebhookSenderParts {
  /** Origins of receivers on the owner's premises: webhooks.allow of server.yaml. */
  readonly allow: readonly string[];
  readonly userAgent: string;
  readonly clock: Clock;
  /** Certificates to trust instead of the system's. */
  readonly ca?: readonly string[];
  readonly deadlineMs?: number;
  /** All addresses of a name; the system's resolver by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/**
 * POSTs messages to addresses that people chose, without lending them the server's place in the network: every address of
 * the name is checked, and the connection goes to the one that was checked, so that a second answer of the resolver changes
 * nothing. Redirects are not followed; time and size of the answer are bounded.
 */
export function webhookSender(parts: WebhookSenderParts): WebhookSender {
  const { allow, clock, resolve = systemResolve, deadlineMs = DEADLINE_MS } = parts;

  async function addressOf(url: URL): Promise<string> {
    const host = hostOf(url);
    const addresses = isIP(host) ? [host] : await resolve(host);
    for (const address of addresses) requireReachable(url, address, allow.includes(url.origin));
    const [first] = addresses;
    if (first === undefined) throw new CodedError('WEBHOOK_UNREACHABLE', `${host} has no address`);
    return first;
  }

  async function attempt(
    target: { url: string; secret: string },
    message: WebhookMessage,
    signal: AbortSignal,
  ): Promise<number> {
    const url = checkWebhookUrl(target.url, allow);
    const address = await untilAborted(addressOf(url), signal);
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(message.body)),
      'user-agent': parts.userAgent,
      ...signedHeaders(message, target.secret, clock()),
    };
    const options = { method: 'POST', headers, lookup: only(address), agent: false, signal };
    return post(url, { ...options, ...(parts.ca ? { ca: [...parts.ca] } : {}) }, message.body);
  }

  return {
    check(url) {
      checkWebhookUrl(url, allow);
    },
    async send(target, message, signal) {
      const deadline = AbortSignal.timeout(deadlineMs);
      try {
        return outcomeOf(await attempt(target, message, AbortSignal.any([signal, deadline])));
      } catch (err) {
        return failureOf(err, deadline.aborted);
      }
    },
  };
}

function post(url: URL, options: RequestOptions, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const going = request(url, options, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy();
      });
      // However it ends, the status has been given.
      response.once('close', () => resolve(response.statusCode ?? 0));
      response.on('error', () => undefined);
    });
    going.on('error', reject);
    going.end(body);
  });
}

/** A resolver that knows one address, whatever it is asked. */
function only(address: string): LookupFunction {
  const family = isIP(address);
  return (_host, { all }, done) => {
    if (all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The system's resolver takes no signal: who waits for it stops waiting. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function outcomeOf(status: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { isTaken: true, status };
  const code = status >= 300 && status < 400 ? 'WEBHOOK_REDIRECTED' : 'WEBHOOK_NOT_TAKEN';
  return { isTaken: false, status, code, detail: `the receiver answered ${status}` };
}

function failureOf(err: unknown, isLate: boolean): WebhookOutcome {
  if (err instanceof CodedError) return { isTaken: false, status: null, code: err.code, detail: err.message };
  const code = isLate ? 'WEBHOOK_TIMEOUT' : 'WEBHOOK_UNREACHABLE';
  const detail = err instanceof Error ? err.message : String(err);
  return { isTaken: false, status: null, code, detail: detail.slice(0, 300) };
}
