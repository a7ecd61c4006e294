import { createHash, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type Check, failed, ok, skipped, warning } from '@ringfleet/shared/diagnosis';
import { CATALOG, CodedError } from '@ringfleet/shared/errors';
import { connectThrough } from '../adapters/connect-through.ts';
import { connectionFault, interception } from '../adapters/connection-fault.ts';
import { peerChain } from '../adapters/peer-chain.ts';
import { connectPinned, hostOf, type Pin } from '../adapters/pinned-tls.ts';
import { type Address, type ProxyFor, straight } from '../adapters/proxy-choice.ts';

const LIMIT_MS = 10_000;
const USUAL_BROKER_PORT = 8883;

/** Whom a server has to prove to be: by the token's pin before enrollment, by the kept root after it. */
export interface Expected {
  /** Of the people's listener before enrollment, the device API's after it. */
  readonly apiUrl: string;
  /** `sha256:<hex>` of the root certificate. */
  readonly caPin: string;
  /** The name that the server's certificate is for, where the address is another one. */
  readonly host?: string;
  readonly mqttUrl?: string;
  /** The device's own certificate, after enrollment. */
  readonly client?: Pin['client'];
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
  /** What certificates are judged by. */
  readonly nowMs?: number;
}

/** Whether the name is known: the server's, or the proxy's where one leads there. */
export async function checkDns({ apiUrl, proxyFor = straight }: Expected): Promise<Check> {
  const server = addressOf(apiUrl);
  const proxy = proxyFor(server);
  const host = proxy === null ? server.host : hostOf(proxy);
  const about = proxy === null ? '' : ` (the proxy, which finds ${server.host} itself)`;
  if (isIP(host)) return ok('dns', `${host} is an address${about}`);
  try {
    const { address } = await withLimit(lookup(host));
    return ok('dns', `${host} is ${address}${about}`);
  } catch (cause) {
    return failed(
      'dns',
      `${host} cannot be found${about} (${wordsOf(cause)})`,
      "check the network cable, DHCP and the site's DNS",
    );
  }
}

/** The proxy in use, if there is one; its password is never shown. */
export async function checkProxy({ apiUrl, proxyFor = straight }: Expected): Promise<readonly Check[]> {
  const to = addressOf(apiUrl);
  const proxy = proxyFor(to);
  if (proxy === null) return [];
  try {
    (await connectThrough(proxy, to, AbortSignal.timeout(LIMIT_MS))).destroy();
    return [ok('proxy', `${proxy.host} leads to ${to.host}:${to.port}`)];
  } catch (err) {
    return [faulty('proxy', err)];
  }
}

/** Who answers there, and whether it is the fleet server, in date and by its name, or somebody in between. */
export async function checkTls(name: 'tls' | 'broker', url: string, expected: Expected): Promise<Check> {
  const to = addressOf(url);
  const { proxyFor = straight, caPin, client, host = to.host, nowMs = Date.now() } = expected;
  try {
    const chain = await shownChain(to, expected);
    const root = chain.find((der) => `sha256:${createHash('sha256').update(der).digest('hex')}` === caPin);
    if (root === undefined) throw interception("it does not lead to the fleet's authority", chain, to);
    const certificate = new X509Certificate(root);
    const pin = { caPem: certificate.toString(), host, nowMs: () => nowMs, ...(client ? { client } : {}) };
    (await connectPinned(to, pin, { proxyFor, signal: AbortSignal.timeout(LIMIT_MS) })).destroy();
    return ok(name, `${to.host}:${to.port} is the fleet server (${certificate.subject})`);
  } catch (err) {
    return faulty(name, err);
  }
}

/** The way for reports: MQTT, or WebSocket on the device listener where that alone gets through. */
export async function checkBroker(expected: Expected): Promise<Check> {
  const { apiUrl, mqttUrl } = expected;
  if (mqttUrl === undefined) {
    const url = `https://${new URL(apiUrl).hostname}:${USUAL_BROKER_PORT}`;
    const usual = await checkTls('broker', url, expected);
    // The address comes with the enrollment; most servers have the usual one.
    return usual.state === 'ok'
      ? usual
      : skipped('broker', `its address comes with the enrollment. At the usual port: ${usual.saw}`);
  }
  const isWebSocket = mqttUrl.startsWith('wss:');
  const broker = await checkTls('broker', mqttUrl.replace(/^(mqtts|wss):/, 'https:'), expected);
  if (broker.state === 'ok' || isWebSocket) return broker;
  const other = await checkTls('broker', apiUrl, expected);
  if (other.state !== 'ok') return broker;
  return warning(
    'broker',
    `${broker.saw}; MQTT goes over WebSocket at ${new URL(apiUrl).host} instead`,
    'nothing has to be done; a site may let the port through',
  );
}

/** The time of whoever answers, from an ordinary reply; null when there is none. */
export async function serverTimeMs(expected: Expected): Promise<number | null> {
  const to = addressOf(expected.apiUrl);
  try {
    const socket = await handshake(to, expected);
    const reply = await withLimit(
      new Promise<string>((resolve, reject) => {
        socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('closed')));
        socket.write(`HEAD / HTTP/1.1\r\nHost: ${to.host}:${to.port}\r\nConnection: close\r\n\r\n`);
      }),
    ).finally(() => socket.destroy());
    const ms = Date.parse(/^date: (.+)$/im.exec(reply)?.[1] ?? '');
    return Number.isNaN(ms) ? null : ms;
  } catch {
    // Without a server there is nothing to compare with; the other checks say why.
    return null;
  }
}

async function shownChain(to: Address, expected: Expected): Promise<readonly Uint8Array[]> {
  const socket = await handshake(to, expected);
  const chain = peerChain(socket.getPeerCertificate(true));
  socket.destroy();
  return chain;
}

/** Looks at a server without believing or telling it anything. */
async function handshake(to: Address, { client, proxyFor = straight }: Expected): Promise<TLSSocket> {
  const proxy = proxyFor(to);
  const signal = AbortSignal.timeout(LIMIT_MS);
  const below = proxy === null ? to : { socket: await connectThrough(proxy, to, signal) };
  return withLimit(
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({
        ...below,
        ...(isIP(to.host) === 0 ? { servername: to.host } : {}),
        ...(client ? { key: client.keyPem, cert: client.certificatePem } : {}),
        rejectUnauthorized: false,
      });
      socket.once('secureConnect', () => resolve(socket));
      socket.on('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed')));
      signal.addEventListener('abort', () => socket.destroy(new Error(`silent for ${LIMIT_MS / 1000} s`)));
    }),
  ).catch((cause: Error) => {
    throw connectionFault(cause, to);
  });
}

/** In the words of the agent, with what to do about it. */
function faulty(name: string, err: unknown): Check {
  if (!(err instanceof CodedError)) return failed(name, wordsOf(err), CATALOG.SERVER_UNREACHABLE.remedy);
  return failed(name, `${err.message} (${err.code})`, CATALOG[err.code].remedy);
}

const addressOf = (url: string): Address => {
  const { port, hostname } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
};

function wordsOf(err: unknown): string {
  const { code, message } = err as NodeJS.ErrnoException;
  return code ?? message;
}

async function withLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
