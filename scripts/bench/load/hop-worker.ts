import {
  checkAgainst,
  decodeInferRequest,
  encodeInferResponse,
  type Tensor,
  tensorOf,
} from '@ringfleet/shared/v2';
import { createPlainChildRuntime, readSignature } from '../../../agent/src/adapters/runner-child.ts';
import type { InferCall, Runner } from '../../../agent/src/ports/runtime.ts';
import { localModel } from '../../../agent/src/serving/local-model.ts';
import { answerAsked } from './answer-asked.ts';

export interface HopRuns {
  readonly model: string;
  readonly call: InferCall;
  readonly durationMs: number;
  /** Where the runner works. */
  readonly runDir: string;
}

export interface HopResult {
  /** Call to a runner and back, less its time inside `session.run`, microseconds. */
  readonly hopUs: Float64Array;
  readonly computeUs: Float64Array;
  /** Decoding, checking and encoding such a request, in this process, microseconds. */
  readonly codecUs: Float64Array;
}

const log = { debug: () => undefined, warn: () => undefined };
let started: Promise<Runner> | undefined;

/** Calls a runner as the agent does, without anything before it. */
answerAsked<HopRuns, HopResult>(async ({ model, call, durationMs, runDir }) => {
  started ??= start(model, runDir);
  const runner = await started;
  const [hopUs, computeUs]: [number[], number[]] = [[], []];
  const endAt = performance.now() + durationMs;
  while (performance.now() < endAt) {
    const at = performance.now();
    const reply = await runner.infer(call);
    const us = (performance.now() - at) * 1000;
    if (!reply.ok) throw new Error(`${reply.code}: ${reply.message}`);
    hopUs.push(us - reply.computeUs);
    computeUs.push(reply.computeUs);
  }
  return {
    hopUs: Float64Array.from(hopUs),
    computeUs: Float64Array.from(computeUs),
    codecUs: codec(runner, call),
  };
});

async function start(model: string, runDir: string): Promise<Runner> {
  const options = { runDir, log };
  const spec = await localModel(model, (file) => readSignature(file, options));
  return createPlainChildRuntime(options).start(spec, AbortSignal.timeout(30_000));
}

function codec({ spec: { manifest } }: Runner, { body, headerBytes }: InferCall): Float64Array {
  const output: Tensor = tensorOf('probabilities', 'FP32', [1, 10], new Float64Array(10));
  const names = { modelName: manifest.model, modelVersion: manifest.version };
  return Float64Array.from({ length: 2_000 }, () => {
    const at = performance.now();
    const { inputs } = decodeInferRequest(body, headerBytes);
    checkAgainst(manifest.inputs, inputs);
    encodeInferResponse({ ...names, outputs: [output] }, () => true);
    return (performance.now() - at) * 1000;
  }).subarray(500);
}
