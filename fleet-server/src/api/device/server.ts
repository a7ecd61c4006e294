import type { Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import type { DeviceIdentity, Identify } from '../../device-contact/identify.ts';
import { HANDSHAKE_MS, MAX_CONNECTIONS, SESSIONS } from '../../device-contact/listen.ts';
import type { Refusals } from '../../device-contact/refusals.ts';
import type { Log } from '../../ports/log.ts';
import type { Pki } from '../../ports/pki.ts';
import { answerProblems } from '../problems.ts';
import { type DeviceRouteParts, deviceRoutes } from './routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, on the device listener. */
    device: DeviceIdentity | null;
  }
}

export interface DeviceServerParts extends DeviceRouteParts {
  readonly tls: Pki['serverTls'];
  readonly identify: Identify;
  readonly refusals: Refusals;
  readonly ticketKeys?: Buffer;
  readonly log: Log;
}

/** A batch of reports may be as large as one MQTT message inflates to, and a few more. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The device listener: HTTPS that takes nobody without a certificate of this fleet, checked again at every request. */
export function createDeviceServer(parts: DeviceServerParts): FastifyInstance {
  const { tls, identify, refusals, log } = parts;
  const app = Fastify({
    https: {
      ...tls,
      ...SESSIONS,
      ...(parts.ticketKeys ? { ticketKeys: parts.ticketKeys } : {}),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_MS,
    },
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  }) as unknown as FastifyInstance;
  app.server.maxConnections = MAX_CONNECTIONS;
  answerProblems(app, log);
  (app.server as unknown as HttpsServer).on('tlsClientError', (err, socket: TLSSocket) => {
    refusals.noteHandshake(err, socket);
    log.debug({ err, component: 'device-api' }, 'handshake failed');
  });
  app.decorateRequest('device', null);
  app.addHook('onRequest', async (request) => {
    const socket = request.raw.socket as TLSSocket;
    try {
      request.device = await identify(socket);
    } catch (err) {
      refusals.noteError(err, socket);
      throw err;
    }
  });
  app.register(deviceRoutes(parts));
  return app;
}
