import { createServer, type Server as NetServer } from 'node:net';
import { expectLoopback, listenOnPort, listenOnSocket } from '../listen.ts';
import type { GrpcServer } from './grpc-server.ts';
import type { GrpcServiceOptions } from './service.ts';

const MAX_CONNECTIONS = 128;

export interface GrpcOptions extends Omit<GrpcServiceOptions, 'defaultDeadlineMs' | 'maxHeldBytes'> {
  /** Loopback only. Default 127.0.0.1. */
  readonly host?: string;
  /** Absent: no TCP listener. 0: any free port. */
  readonly port?: number;
  /** What people call these settings, for an address that is taken. */
  readonly keys?: { readonly port: string; readonly socketPath: string };
  /** Absent: no Unix socket. Made 0660. */
  readonly socketPath?: string;
  readonly maxBodyBytes?: number;
  readonly defaultDeadlineMs?: number;
  readonly maxHeldBytes?: number;
}

export interface GrpcServing {
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  /** Takes no new calls, waits for running ones at most `graceMs`. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Serves the Open Inference Protocol over gRPC on loopback TCP and a Unix socket. Plain HTTP/2 without TLS: no web page
 * can speak it, so Host and Origin need no check here. The library is loaded when the first client connects: most
 * devices have none. Throws PORT_IN_USE, SERVING_LISTEN_FAILED.
 */
export async function startGrpc(options: GrpcOptions): Promise<GrpcServing> {
  const { host = '127.0.0.1', port, socketPath, log } = options;
  const keys = options.keys ?? { port: '--grpc', socketPath: '--grpc-socket' };
  expectLoopback(host);
  let opened: Promise<GrpcServer> | undefined;
  const open = (): Promise<GrpcServer> => {
    opened ??= import('./grpc-server.ts').then(({ createGrpcServer }) => createGrpcServer(options));
    return opened;
  };
  // The sockets are ours, so that both protocols listen, refuse and clean up alike.
  const listeners: NetServer[] = [];
  const makeListener = (): NetServer => {
    const server = createServer({ noDelay: true }, (socket) => {
      // A client may be gone before anybody listens to its socket.
      socket.on('error', () => undefined);
      open().then(
        ({ take }) => take(socket),
        (err: unknown) => {
          log.error({ err, component: 'serving' }, 'gRPC cannot be loaded');
          socket.destroy();
        },
      );
    });
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  };
  const stop = async (graceMs: number): Promise<void> => {
    const closed = listeners.splice(0).map(closeOf);
    const server = await opened?.catch(() => undefined);
    await server?.stop(graceMs);
    await Promise.all(closed);
  };
  try {
    let bound: number | undefined;
    if (port !== undefined) {
      const server = makeListener();
      bound = await listenOnPort(server, host, port, keys.port);
      listeners.push(server);
    }
    if (socketPath !== undefined) {
      const server = makeListener();
      await listenOnSocket(server, socketPath, keys.socketPath);
      listeners.push(server);
    }
    return { port: bound, socketPath, stop };
  } catch (err) {
    await stop(0);
    throw err;
  }
}

const closeOf = (server: NetServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
