import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import { connectThrough } from './connect-through.ts';
import { connectionFault } from './connection-fault.ts';
import { peerChain } from './peer-chain.ts';
import { type ProxyFor, straight } from './proxy-choice.ts';

const TIMEOUT_MS = 15_000;

/**
 * Looks at the chain that answers at `url`, without sending anything, and returns its root certificate as PEM when that
 * has the pinned digest. The real connection then verifies against it in full. Throws CA_PIN_MISMATCH, SERVER_UNREACHABLE
 * and the other codes of `isNoContact`.
 */
export async function fetchPinnedCa(
  url: string,
  caPin: string,
  proxyFor: ProxyFor = straight,
): Promise<string> {
  const chain = await shownBy(new URL(url), proxyFor);
  for (const der of chain) {
    if (`sha256:${createHash('sha256').update(der).digest('hex')}` === caPin) {
      return new X509Certificate(der).toString();
    }
  }
  const issuer = chain[0] ? new X509Certificate(chain[0]).issuer.replaceAll('\n', ', ').slice(0, 200) : '';
  const shown = `no certificate that ${url} shows has the pin of the token; the issuer is "${issuer}"`;
  throw new CodedError('CA_PIN_MISMATCH', shown, { at: url });
}

async function shownBy(url: URL, proxyFor: ProxyFor): Promise<Buffer[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const to = { host, port: Number(url.port || 443) };
  const proxy = proxyFor(to);
  const below = proxy === null ? to : { socket: await connectThrough(proxy, to) };
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...below,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Nothing is believed here but a digest; see above.
      rejectUnauthorized: false,
    });
    const fail = (cause: Error): void => {
      socket.destroy();
      reject(connectionFault(cause, to));
    };
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error(`silent for ${TIMEOUT_MS} ms`)));
    socket.on('error', fail);
    socket.on('secureConnect', () => {
      const chain = peerChain(socket.getPeerCertificate(true));
      socket.destroy();
      resolve(chain);
    });
  });
}
