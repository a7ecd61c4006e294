import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { CodedError } from '@ringfleet/shared/errors';
import { createWebSocketStream, WebSocket } from 'ws';
import { connectionFault } from './connection-fault.ts';
import { type ConnectOptions, connectPinned, hostOf, type Pin } from './pinned-tls.ts';

const UPGRADE_MS = 15_000;
/** As the broker's own limit; a device's packets are smaller. */
const MAX_PAYLOAD_BYTES = 512 * 1024;

/** A byte stream to the broker at `mqtts://host:port` or `wss://host:port/path`. Throws what `connectPinned` throws. */
export async function mqttStream(url: URL, pin: Pin, options: ConnectOptions): Promise<Duplex> {
  if (url.protocol !== 'wss:') {
    return connectPinned({ host: hostOf(url), port: Number(url.port || 8883) }, pin, options);
  }
  const to = { host: hostOf(url), port: Number(url.port || 443) };
  return upgrade(url, await connectPinned(to, pin, options)).catch((cause: Error) => {
    throw connectionFault(cause, to);
  });
}

function upgrade(url: URL, socket: TLSSocket): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const websocket = new WebSocket(url, ['mqtt'], {
      createConnection: () => socket,
      handshakeTimeout: UPGRADE_MS,
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD_BYTES,
    });
    websocket.once('unexpected-response', (_, { statusCode }) => {
      websocket.terminate();
      reject(
        new CodedError('SERVER_REFUSED', `${url.href}: status ${statusCode} to a WebSocket`, {
          at: url.href,
        }),
      );
    });
    websocket.once('error', reject);
    websocket.once('open', () => resolve(createWebSocketStream(websocket)));
  });
}
