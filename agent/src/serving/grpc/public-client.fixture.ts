import { fileURLToPath } from 'node:url';
import {
  type CallOptions,
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PROTO = fileURLToPath(new URL('./open-inference.proto', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: answers are what the generated code makes of the wire.
type Message = any;

export interface Answered {
  readonly message: Message;
  readonly headers: Record<string, unknown>;
}

/** A client as protobuf.js generates it from the protocol's file: it shares no code with the server's codec. */
export interface PublicClient {
  call(
    method: string,
    request: object,
    options?: CallOptions,
    metadata?: Record<string, string>,
  ): Promise<Answered>;
  raw: Client;
  close(): void;
}

export function publicClient(address: string): PublicClient {
  const definition = loadSync(PROTO, { keepCase: true, longs: Number, defaults: true });
  const loaded = loadPackageDefinition(definition) as Record<string, Message>;
  const Service = loaded['inference'].GRPCInferenceService as ServiceClientConstructor;
  const raw = new Service(address, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
  return {
    raw,
    close: () => raw.close(),
    call: (method, request, options = {}, metadata = {}) =>
      new Promise((resolve, reject) => {
        const sent = new Metadata();
        for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
        let headers: Record<string, unknown> = {};
        const call = (raw as Message)[method](
          request,
          sent,
          options,
          (err: ServiceError | null, message: Message) => (err ? reject(err) : resolve({ message, headers })),
        );
        call.on('metadata', (received: Metadata) => {
          headers = received.getMap();
        });
      }),
  };
}
