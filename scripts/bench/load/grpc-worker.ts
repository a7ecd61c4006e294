import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { answerAsked } from './answer-asked.ts';
import type { LoadResult } from './closed-loop.ts';

export interface GrpcRuns {
  /** `host:port`, or `unix:PATH`. */
  readonly target: string;
  readonly model: string;
  readonly input: string;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
  readonly durationMs: number;
}

const PROTO = fileURLToPath(new URL('../../../agent/src/serving/grpc/open-inference.proto', import.meta.url));
let client: Client | undefined;

/** The public gRPC client, one call at a time. */
answerAsked<GrpcRuns, LoadResult>(async ({ target, model, input, shape, raw, durationMs }) => {
  client ??= new (service())(target, credentials.createInsecure());
  const call = {
    model_name: model,
    inputs: [{ name: input, datatype: 'FP32', shape }],
    raw_input_contents: [raw],
  };
  const infer = (client as unknown as Record<string, (request: object, done: Done) => void>)['ModelInfer'];
  const latencies: number[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    const at = performance.now();
    await new Promise<void>((resolve, reject) => {
      infer?.call(client, call, (err) => (err ? reject(err) : resolve()));
    });
    latencies.push((performance.now() - at) * 1000);
  }
  return {
    latenciesUs: Float64Array.from(latencies),
    failed: 0,
    elapsedMs: performance.now() - startedAt,
  };
});

type Done = (err: Error | null) => void;

function service(): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number }));
  const { GRPCInferenceService } = loaded['inference'] as unknown as Record<string, ServiceClientConstructor>;
  if (!GRPCInferenceService) throw new Error(`${PROTO} has no service`);
  return GRPCInferenceService;
}
