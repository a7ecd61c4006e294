import { createServer, type Server as NetServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expectLoopback, listenOnPort, listenOnSocket } from '../listen.ts';
import { type GrpcServiceOptions, inferenceService } from './service.ts';

const MAX_CONNECTIONS = 128;
const MAX_STREAMS_PER_CONNECTION = 64;
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** The runner's frames take no more. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

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
 * can speak it, so Host and Origin need no check here. Throws PORT_IN_USE, SERVING_LISTEN_FAILED.
 */
export async function startGrpc(options: GrpcOptions): Promise<GrpcServing> {
  const { host = '127.0.0.1', port, socketPath, maxBodyBytes = 32 * 1024 * 1024 } = options;
  const keys = options.keys ?? { port: '--grpc', socketPath: '--grpc-socket' };
  expectLoopback(host);
  const grpc = new Server({
    'grpc.max_receive_message_length': maxBodyBytes,
    'grpc.max_send_message_length': MAX_ANSWER_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.enable_channelz': 0,
  });
  const { defaultDeadlineMs = 10_000, maxHeldBytes = MAX_HELD_BYTES } = options;
  const service = inferenceService({ ...options, defaultDeadlineMs, maxHeldBytes });
  grpc.addService(service.definition, service.implementation);
  // The sockets are ours, so that both protocols listen, refuse and clean up alike.
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const listeners: NetServer[] = [];
  const makeListener = (): NetServer => {
    const server = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  };
  const stop = async (graceMs: number): Promise<void> => {
    const closed = listeners.splice(0).map(closeOf);
    await drained(grpc, graceMs);
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

function drained(grpc: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => grpc.forceShutdown(), graceMs);
    grpc.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const closeOf = (server: NetServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
