import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Log } from '../ports/log.ts';
import { MAX_FRAME } from './mqtt-frame-guard.ts';

const PATH = '/mqtt';
/** More than one MQTT packet may stand in a WebSocket message. */
const MAX_PAYLOAD_BYTES = 2 * MAX_FRAME;

export interface UpgradeParts {
  /** Whether the peer may come in; called before anything is answered. Rejects, and notes, when not. */
  readonly admit: (socket: TLSSocket) => Promise<unknown>;
  /** Takes the connection and the MQTT bytes inside it. */
  readonly accept: (socket: TLSSocket, stream: Duplex) => void;
  readonly log: Log;
}

/**
 * MQTT over WebSocket (MQTT-6.0.0) on a listener that speaks HTTPS, for sites where nothing else is let through. Who is at
 * the other end is decided by the same certificate as everywhere, before the upgrade is answered.
 */
export function upgradeToMqtt(server: Server, { admit, accept, log }: UpgradeParts): void {
  const websockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  });

  async function upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): Promise<void> {
    if (new URL(request.url ?? '/', 'https://device').pathname !== PATH) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    await admit(socket);
    websockets.handleUpgrade(request, socket, head, (websocket) => {
      // The subprotocol is a MUST (MQTT-6.0.0-3).
      if (websocket.protocol !== 'mqtt') websocket.close(1002);
      else accept(socket, createWebSocketStream(websocket));
    });
  }

  server.on('upgrade', (request, stream, head) => {
    const socket = stream as TLSSocket;
    socket.on('error', () => undefined);
    upgrade(request, socket, head).catch((err: unknown) => {
      log.warn({ err, component: 'bus' }, 'connection refused');
      socket.destroy();
    });
  });
}
