import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { connectAsync } from 'mqtt';
import { MODEL } from '../demo/sources.ts';
import { type Doors, TOPIC } from './device.ts';

const PROTO = fileURLToPath(new URL('../../agent/src/serving/grpc/open-inference.proto', import.meta.url));
const TIMEOUT_MS = 12_000;

/** What came of one request: the release and its scores, or a reason. */
export type Outcome =
  | { readonly release: string; readonly scores: readonly number[] }
  | { readonly failure: string };

/** One way to ask. None of them shares code with the agent's own codec. */
export interface Client {
  readonly name: string;
  ask(pixels: readonly number[]): Promise<Outcome>;
  close(): Promise<void>;
}

export async function openClients(doors: Doors, broker: string): Promise<Client[]> {
  return [
    rest('json', doors, jsonRequest),
    rest('binary', doors, binaryRequest),
    grpc(doors.grpc),
    await stream(broker),
  ];
}

function rest(
  name: string,
  { http, socket }: Doors,
  make: (pixels: readonly number[]) => { body: Buffer; headers: Record<string, string> },
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(http);
  const where = name === 'json' ? { host: hostname, port } : { socketPath: socket };
  return {
    name,
    ask: (pixels) =>
      new Promise((resolve) => {
        const { body, headers } = make(pixels);
        const path = `/v2/models/${MODEL}/infer`;
        const req = request(
          { ...where, agent, path, method: 'POST', timeout: TIMEOUT_MS, headers },
          (res) => {
            const chunks: Buffer[] = [];
            res.on('data', (chunk: Buffer) => chunks.push(chunk));
            res.on('end', () => {
              const text = Buffer.concat(chunks).toString('utf8');
              if (res.statusCode !== 200)
                return resolve({ failure: codeIn(text) || `HTTP ${res.statusCode}` });
              const { outputs } = JSON.parse(text) as { outputs: { data: number[] }[] };
              resolve({ release: String(res.headers['ringfleet-release']), scores: outputs[0]?.data ?? [] });
            });
          },
        );
        req.on('timeout', () => req.destroy(new Error('NO_ANSWER')));
        req.on('error', (err) => resolve({ failure: err.message }));
        req.end(body);
      }),
    close: () => Promise.resolve(agent.destroy()),
  };
}

function grpc(address: string): Client {
  const loaded = loadPackageDefinition(loadSync(PROTO, { keepCase: true, defaults: true }));
  // biome-ignore lint/suspicious/noExplicitAny: what the generated code makes of the wire.
  const Service = (loaded as any).inference.GRPCInferenceService as ServiceClientConstructor;
  const client = new Service(address, credentials.createInsecure());
  return {
    name: 'grpc',
    ask: (pixels) =>
      new Promise((resolve) => {
        const inputs = [
          { name: 'image', datatype: 'FP32', shape: [1, pixels.length], contents: { fp32_contents: pixels } },
        ];
        let release = '';
        // biome-ignore lint/suspicious/noExplicitAny: methods of the generated client.
        const call = (client as any).ModelInfer(
          { model_name: MODEL, inputs },
          { deadline: Date.now() + TIMEOUT_MS },
          (err: { details?: string; code?: number } | null, reply: { raw_output_contents: Buffer[] }) => {
            if (err) return resolve({ failure: codeIn(err.details ?? '') || `gRPC ${err.code}` });
            const raw = reply.raw_output_contents[0] ?? Buffer.alloc(0);
            resolve({
              release,
              scores: Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(4 * i)),
            });
          },
        );
        call.on('metadata', (headers: Metadata) => {
          release = String(headers.get('ringfleet-release')[0] ?? '');
        });
      }),
    close: () => Promise.resolve(client.close()),
  };
}

async function stream(broker: string): Promise<Client> {
  const client = await connectAsync(broker, { protocolVersion: 4 });
  await client.subscribeAsync(TOPIC.out);
  let answered: (text: string) => void = () => undefined;
  client.on('message', (_, payload) => answered(payload.toString('utf8')));
  return {
    name: 'stream',
    ask: (pixels) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve({ failure: 'NO_ANSWER' }), TIMEOUT_MS);
        answered = (text) => {
          clearTimeout(timer);
          const { version, outputs } = JSON.parse(text) as {
            version: string;
            outputs: Record<string, number[] | number[][]>;
          };
          resolve({ release: version, scores: (Object.values(outputs)[0] ?? []).flat() });
        };
        client.publish(TOPIC.in, JSON.stringify({ pixels }));
      }),
    close: async () => void (await client.endAsync(true)),
  };
}

function jsonRequest(pixels: readonly number[]) {
  const inputs = [{ name: 'image', datatype: 'FP32', shape: [1, pixels.length], data: pixels }];
  return { body: Buffer.from(JSON.stringify({ inputs })), headers: {} };
}

function binaryRequest(pixels: readonly number[]) {
  const raw = Buffer.from(new Float32Array(pixels).buffer);
  const parameters = { binary_data_size: raw.length };
  const head = JSON.stringify({
    inputs: [{ name: 'image', datatype: 'FP32', shape: [1, pixels.length], parameters }],
  });
  return {
    body: Buffer.concat([Buffer.from(head), raw]),
    headers: { 'inference-header-content-length': String(head.length) },
  };
}

const codeIn = (text: string): string => /([A-Z][A-Z_]+): /.exec(text)?.[1] ?? '';
