import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { inferenceService } from './service.ts';
import type { GrpcOptions } from './start-grpc.ts';

const MAX_STREAMS_PER_CONNECTION = 64;
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** The runner's frames take no more. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

/** The gRPC library, serving the Open Inference Protocol on connections that it is given. */
export interface GrpcServer {
  take(socket: Socket): void;
  /** Takes no new calls, waits for running ones at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export function createGrpcServer(options: GrpcOptions): GrpcServer {
  const {
    defaultDeadlineMs = 10_000,
    maxHeldBytes = MAX_HELD_BYTES,
    maxBodyBytes = 32 * 1024 * 1024,
  } = options;
  const server = new Server({
    'grpc.max_receive_message_length': maxBodyBytes,
    'grpc.max_send_message_length': MAX_ANSWER_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.enable_channelz': 0,
  });
  const service = inferenceService({ ...options, defaultDeadlineMs, maxHeldBytes });
  server.addService(service.definition, service.implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    take: (socket) => injector.injectConnection(socket),
    stop: (graceMs) => drained(server, graceMs),
  };
}

function drained(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
