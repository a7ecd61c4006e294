import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { connectThrough } from './connect-through.ts';
import { connectionFault, interception } from './connection-fault.ts';
import type { Identity } from './identity.ts';
import { peerChain } from './peer-chain.ts';
import { type Address, type ProxyFor, straight } from './proxy-choice.ts';
import { chainFault, NOT_OURS } from './verify-chain.ts';

const CONNECT_TIMEOUT_MS = 15_000;
/** What OpenSSL says about dates, judged by the system's clock. */
const DATE_ERRORS = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];
/** And about a chain that ends with somebody else. */
const UNTRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
];

/** Whom the server must prove to be, and what by. */
export interface Pin {
  readonly caPem: string;
  /** Addresses are configuration, identity is not: the connection may go to a relay or a tunnel. */
  readonly host: string;
  /** Trusted now, which decides over certificate dates. Null ignores them: for `/device/v1/time` alone (DESIGN §4). */
  readonly nowMs: (() => number) | null;
  readonly client?: { readonly keyPem: string; readonly certificatePem: string };
}

/** The pin of an enrolled device; `enrolledUrl` names the host, `nowMs` is trusted now. */
export function pinOf(identity: Identity, enrolledUrl: string, nowMs: () => number): Pin {
  return { caPem: identity.caPem, host: hostOf(new URL(enrolledUrl)), nowMs, client: identity };
}

/**
 * TLS towards the fleet server. Node judges certificate dates by the system's clock and knows no other, so the verdict is
 * taken here, before a byte is sent: everything OpenSSL finds but dates, the chain to the pinned authority and its dates
 * by trusted now, and the name. Throws SERVER_UNREACHABLE, NAME_NOT_RESOLVED, TLS_INTERCEPTED, FOREIGN_ANSWER, and what
 * `connectThrough` throws.
 */
export async function connectPinned(to: Address, pin: Pin, options: ConnectOptions = {}): Promise<TLSSocket> {
  const { signal, proxyFor = straight } = options;
  const proxy = proxyFor(to);
  const below = proxy === null ? to : { socket: await connectThrough(proxy, to, signal) };
  return shakeHands(below, to, pin, options).catch((cause: Error) => {
    throw connectionFault(cause, to);
  });
}

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  readonly memory?: SessionMemory;
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
}

function shakeHands(
  below: Address | { readonly socket: Duplex },
  to: Address,
  pin: Pin,
  options: ConnectOptions,
): Promise<TLSSocket> {
  const { memory } = options;
  const known = memory?.last ?? null;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...below,
      ca: pin.caPem,
      ...(pin.client ? { key: pin.client.keyPem, cert: pin.client.certificatePem } : {}),
      minVersion: 'TLSv1.2',
      // RFC 6066: an address is no server name.
      ...(isIP(pin.host) === 0 ? { servername: pin.host } : {}),
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(known ? { session: known.session } : {}),
    });
    const fail = (cause: Error): void => {
      settled();
      // A late error of a socket that is given up must not end the process.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(cause);
    };
    const aborted = (): void => fail(new Error('given up'));
    const timer = setTimeout(
      () => fail(new Error(`no TLS within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    const closed = (): void => fail(new Error('the connection was closed'));
    const settled = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', aborted);
      socket.off('error', fail);
      socket.off('close', closed);
    };
    socket.on('error', fail);
    socket.on('close', closed);
    options.signal?.addEventListener('abort', aborted);
    if (options.signal?.aborted) aborted();
    socket.once('secureConnect', () => {
      // A resumed session shows no certificates: those that it began with are judged again.
      const chain =
        known && socket.isSessionReused() ? known.chain : peerChain(socket.getPeerCertificate(true));
      const fault = faultOf(socket, pin, chain, to);
      if (fault !== null) return fail(fault);
      settled();
      if (memory) socket.on('session', (session: Buffer) => memory.keep(session, chain));
      return resolve(socket);
    });
  });
}

/** The newest TLS session with one server: the next handshake costs both sides less. */
export class SessionMemory {
  last: { readonly session: Buffer; readonly chain: readonly Uint8Array[] } | null = null;

  keep(session: Buffer, chain: readonly Uint8Array[]): void {
    this.last = { session, chain };
  }
}

/** Keep-alive connections of one pin. */
export class PinnedAgent extends Agent {
  readonly #pin: Pin;
  readonly #options: ConnectOptions;

  constructor(pin: Pin, proxyFor: ProxyFor = straight) {
    super({ keepAlive: true, maxSockets: 4 });
    this.#pin = pin;
    this.#options = { proxyFor, memory: new SessionMemory() };
  }

  override createConnection(
    options: { host?: string | null; port?: string | number | null },
    callback?: (err: Error | null, stream: Duplex) => void,
  ): undefined {
    const to = { host: bare(options.host ?? ''), port: Number(options.port ?? 443) };
    connectPinned(to, this.#pin, this.#options).then(
      (socket) => callback?.(null, socket),
      (err: Error) => callback?.(err, undefined as never),
    );
    return undefined;
  }
}

export const hostOf = (url: URL): string => bare(url.hostname);

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

function faultOf(
  socket: TLSSocket,
  { caPem, host, nowMs }: Pin,
  chain: readonly Uint8Array[],
  to: Address,
): Error | null {
  const { authorizationError } = socket;
  const said = authorizationError ? String(authorizationError) : null;
  if (said !== null && UNTRUSTED.includes(said)) return interception(said, chain, to);
  if (said !== null && !DATE_ERRORS.includes(said)) return new Error(said);
  const fault = chainFault(chain, caPem, nowMs?.() ?? null);
  if (fault === NOT_OURS) return interception(fault, chain, to);
  if (fault !== null) return new Error(fault);
  const leaf = new X509Certificate(chain[0] ?? Buffer.alloc(0)).toLegacyObject();
  return checkServerIdentity(host, leaf) ?? null;
}
