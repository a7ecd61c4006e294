import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import { peerChain } from './peer-chain.ts';

const TIMEOUT_MS = 15_000;

/**
 * Looks at the chain that answers at `url`, without sending anything, and returns its root certificate as PEM when that
 * has the pinned digest. The real connection then verifies against it in full. Throws SERVER_UNREACHABLE, CA_PIN_MISMATCH.
 */
export async function fetchPinnedCa(url: string, caPin: string): Promise<string> {
  const chain = await shownBy(new URL(url));
  for (const der of chain) {
    if (`sha256:${createHash('sha256').update(der).digest('hex')}` === caPin) {
      return new X509Certificate(der).toString();
    }
  }
  throw new CodedError('CA_PIN_MISMATCH', `no certificate that ${url} shows has the pin of the token`, {
    at: url,
  });
}

function shownBy(url: URL): Promise<Buffer[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(url.port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Nothing is believed here but a digest; see above.
      rejectUnauthorized: false,
    });
    const fail = (cause: Error): void => {
      socket.destroy();
      reject(
        new CodedError('SERVER_UNREACHABLE', `${url.origin}: ${cause.message}`, { cause, at: url.origin }),
      );
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
