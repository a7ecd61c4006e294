import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { type Check, failed, ok, skipped } from '@ringfleet/shared/diagnosis';

const LIMIT_MS = 10_000;

/** Whom a server has to prove to be: by the token's pin before enrollment, by the kept root after it. */
export interface Expected {
  /** Of the people's listener before enrollment, the device API's after it. */
  readonly apiUrl: string;
  /** `sha256:<hex>` of the root certificate. */
  readonly caPin: string;
  readonly mqttUrl?: string;
  /** The device's own certificate, after enrollment. */
  readonly client?: Pick<ConnectionOptions, 'key' | 'cert' | 'ca'>;
}

export async function checkDns(url: string): Promise<Check> {
  const host = hostOf(url);
  if (isIP(host)) return ok('dns', `${host} is an address`);
  try {
    const { address } = await withLimit(lookup(host));
    return ok('dns', `${host} is ${address}`);
  } catch (err) {
    return failed(
      'dns',
      `${host} cannot be found (${wordsOf(err)})`,
      "check the network cable, DHCP and the site's DNS",
    );
  }
}

/** Who answers there, and whether it is the fleet server or somebody in between. */
export async function checkTls(name: 'tls' | 'broker', url: string, expected: Expected): Promise<Check> {
  let socket: TLSSocket;
  try {
    socket = await handshake(url, expected.client);
  } catch (err) {
    const remedy = `let the device reach ${new URL(url).host} (firewall, proxy), or check that the server runs`;
    return failed(name, `${new URL(url).host} does not answer (${wordsOf(err)})`, remedy);
  }
  const chain = chainOf(socket.getPeerCertificate(true));
  socket.destroy();
  const isOurs = chain.some(
    ({ raw }) => `sha256:${createHash('sha256').update(raw).digest('hex')}` === expected.caPin,
  );
  const last = chain.at(-1);
  const issuer = last ? nameOf(last.issuer) : 'nobody';
  if (isOurs) return ok(name, `${new URL(url).host} is the fleet server (${issuer})`);
  return failed(
    name,
    `the connection to ${new URL(url).host} is intercepted: the certificate there was issued by ${issuer}`,
    'except the fleet server from TLS inspection, or ask for a new token if its root was changed on purpose',
  );
}

export const checkBroker = async (expected: Expected | null): Promise<Check> =>
  expected?.mqttUrl
    ? checkTls('broker', expected.mqttUrl.replace(/^mqtts:/, 'https:'), expected)
    : skipped('broker', 'its address comes with the enrollment');

/** The time of whoever answers, from an ordinary reply; null when there is none. */
export async function serverTimeMs(url: string): Promise<number | null> {
  try {
    const socket = await handshake(url, undefined);
    const reply = await withLimit(
      new Promise<string>((resolve, reject) => {
        socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('closed')));
        socket.write(`HEAD / HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
      }),
    );
    socket.destroy();
    const ms = Date.parse(/^date: (.+)$/im.exec(reply)?.[1] ?? '');
    return Number.isNaN(ms) ? null : ms;
  } catch {
    // Without a server there is nothing to compare with; the other checks say why.
    return null;
  }
}

/** Looks at a server without believing or telling it anything. */
function handshake(url: string, client: Expected['client']): Promise<TLSSocket> {
  const { port } = new URL(url);
  const host = hostOf(url);
  return withLimit(
    new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port: Number(port || 443),
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...client,
        rejectUnauthorized: false,
      });
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
      socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`silent for ${LIMIT_MS / 1000} s`)));
    }),
  );
}

function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw; one = one.issuerCertificate) {
    // A self-signed certificate names itself as its issuer.
    if (chain.some((earlier) => earlier.fingerprint256 === one?.fingerprint256)) break;
    chain.push(one);
  }
  return chain;
}

const nameOf = (issuer: DetailedPeerCertificate['issuer']): string =>
  [issuer.CN, issuer.O].flat().filter(Boolean).join(', ') || 'somebody without a name';
const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '');

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
