import { randomBytes } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, TimeReply } from '@ringfleet/shared/protocol';
import { callHttps, readJson, refusalOf } from './https-request.ts';
import { hostOf, PinnedAgent } from './pinned-tls.ts';
import type { ProxyFor } from './proxy-choice.ts';

const IDLE_MS = 10_000;
const LIMIT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const checkReply = checkerOf(TimeReply, 'time reply');

/** What the server answered to a question that nobody asked before; nothing in it is verified. */
export interface AskedTime {
  readonly nonce: string;
  readonly reply: TimeReply;
}

/** Where the time is asked for. */
export interface TimeDoor {
  /** `https://host:port`. */
  readonly url: string;
  /** Whom the server must prove to be; else the host of `url`. */
  readonly enrolledUrl?: string;
  readonly client?: { readonly keyPem: string; readonly certificatePem: string };
  readonly proxyFor?: ProxyFor;
}

/**
 * Asks `/device/v1/time`, the only call for which certificate dates do not count: chain, name and handshake do. The people
 * listener comes first, because it wants no certificate of the device, which may look past its date to the server.
 * Throws MESSAGE_INVALID and the codes of `isNoContact`: those of the last door.
 */
export async function askTime(
  doors: readonly TimeDoor[],
  caPem: string,
  rootVersion: number,
  signal?: AbortSignal,
): Promise<AskedTime> {
  let last: unknown = new CodedError('SERVER_UNREACHABLE');
  for (const door of doors) {
    try {
      return await askAt(door, caPem, rootVersion, signal);
    } catch (err) {
      if (!(err instanceof CodedError) || err.code === 'ABORTED') throw err;
      last = err;
    }
  }
  throw last;
}

async function askAt(
  { url, enrolledUrl = url, client, proxyFor }: TimeDoor,
  caPem: string,
  rootVersion: number,
  signal: AbortSignal | undefined,
): Promise<AskedTime> {
  const nonce = randomBytes(16).toString('base64url');
  const host = hostOf(new URL(enrolledUrl));
  const agent = new PinnedAgent({ caPem, host, nowMs: null, ...(client ? { client } : {}) }, proxyFor);
  const limit = AbortSignal.timeout(LIMIT_MS);
  try {
    const at = `${url.replace(/\/+$/, '')}/device/v1/time?nonce=${nonce}&root=${rootVersion}`;
    const call = { method: 'GET', url: at, agent, idleMs: IDLE_MS } as const;
    const response = await callHttps({ ...call, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    if (response.statusCode !== 200) throw await refusalOf(response, at);
    return { nonce, reply: checkReply(await readJson(response, MAX_BYTES)) };
  } catch (err) {
    if (signal?.aborted || (err instanceof CodedError && err.code !== 'ABORTED')) throw err;
    const why = limit.aborted ? `no answer within ${LIMIT_MS} ms` : String(err);
    throw new CodedError('SERVER_UNREACHABLE', `${url}: ${why}`, { cause: err, at: url });
  } finally {
    agent.destroy();
  }
}
