import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../../adapters/runner-child.ts';
import type { Runner } from '../../ports/runtime.ts';
import { makeTinySlot } from '../../runner/tiny-slot.fixture.ts';
import { createRouter, type ServingRouter } from '../router.ts';
import { type FrontEnds, startFrontEnds } from '../start-front-ends.ts';
import { type PublicClient, publicClient } from './public-client.fixture.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const INPUT = { name: 'features', datatype: 'FP32', shape: [1, 4] };
const row = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
let dir: string;
let router: ServingRouter;
let doors: FrontEnds;
let client: PublicClient;
let runner: Runner;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'grpc-runners-'));
  router = createRouter();
  const spec = await makeTinySlot({ slotDir: join(dir, 'slot') });
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  runner = await runtime.start(spec, new AbortController().signal);
  router.route('tiny', runner);
  doors = await startFrontEnds({
    router,
    log,
    version: '0',
    http: { port: 0 },
    grpc: { port: 0, socketPath: join(dir, 'grpc.sock') },
    metrics: { port: 0 },
  });
  client = publicClient(`unix:${doors.grpcSocketPath}`);
}, 30_000);
afterAll(async () => {
  client.close();
  await doors.stop(0);
  await runner.stop(0);
  await rm(dir, { recursive: true, force: true });
});

const infer = (request: object) => client.call('ModelInfer', { model_name: 'tiny', ...request });
const floats = (raw: Buffer): number[] =>
  Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(i * 4));

describe('gRPC with a real runner', { timeout: 30_000 }, () => {
  it('answers typed and raw contents alike, for a batch too', async () => {
    const typed = await infer({
      id: 'one',
      inputs: [{ ...INPUT, contents: { fp32_contents: [0, 3, 0, 0] } }],
    });
    const raw = await infer({ inputs: [INPUT], raw_input_contents: [row([0, 3, 0, 0])] });
    expect(typed.message).toMatchObject({ id: 'one', model_name: 'tiny', model_version: '1.0.0' });
    expect(typed.message.outputs).toMatchObject([
      { name: 'probabilities', datatype: 'FP32', shape: [1, 3], contents: null },
    ]);
    expect(raw.message.raw_output_contents).toEqual(typed.message.raw_output_contents);
    expect(floats(raw.message.raw_output_contents[0])[1]).toBeGreaterThan(0.99);
    const batch = await infer({
      inputs: [{ ...INPUT, shape: [2, 4] }],
      raw_input_contents: [Buffer.concat([row([3, 0, 0, 0]), row([0, 0, 3, 0])])],
    });
    const [first = 0, , , , , last = 0] = floats(batch.message.raw_output_contents[0]);
    expect(Math.min(first, last)).toBeGreaterThan(0.99);
  });

  it('answers the best classes as strings', async () => {
    const { message } = await infer({
      inputs: [INPUT],
      outputs: [{ name: 'probabilities', parameters: { classification: { int64_param: 1 } } }],
      raw_input_contents: [row([0, 3, 0, 0])],
    });
    expect(message.outputs).toMatchObject([{ datatype: 'BYTES' }]);
    expect(message.raw_output_contents[0].subarray(4).toString()).toMatch(/:1:second$/);
  });

  it.each([
    ['sizes that lie', { inputs: [INPUT], raw_input_contents: [Buffer.alloc(15)] }, /^REQUEST_INVALID/],
    ['no inputs', { inputs: [] }, /^REQUEST_INVALID/],
    [
      'a negative axis',
      { inputs: [{ ...INPUT, shape: [-1, 4] }], raw_input_contents: [row([0])] },
      /^REQUEST_INVALID/,
    ],
    [
      'an axis beyond all memory',
      { inputs: [{ ...INPUT, shape: [Number.MAX_SAFE_INTEGER, 4] }], raw_input_contents: [row([0])] },
      /^REQUEST_INVALID/,
    ],
    [
      'an empty batch',
      { inputs: [{ ...INPUT, shape: [0, 4] }], raw_input_contents: [Buffer.alloc(0)] },
      /^SHAPE_/,
    ],
    [
      'another name',
      { inputs: [{ ...INPUT, name: 'x' }], raw_input_contents: [row([0, 0, 0, 0])] },
      /^INPUT_MISSING/,
    ],
    [
      'another type',
      { inputs: [{ ...INPUT, datatype: 'INT32' }], raw_input_contents: [row([0, 0, 0, 0])] },
      /^DATATYPE_/,
    ],
    ['NaN', { inputs: [INPUT], raw_input_contents: [row([Number.NaN, 0, 0, 0])] }, /^NON_FINITE_INPUT/],
    [
      'an output it does not have',
      { inputs: [INPUT], outputs: [{ name: 'y' }], raw_input_contents: [row([0, 0, 0, 0])] },
      /^OUTPUT_UNKNOWN/,
    ],
  ])('refuses %s with the reason, and marks nothing against the release', async (_what, request, details) => {
    await expect(infer(request)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(details),
    });
    expect(router.counts('tiny', runner.spec.digest)).toMatchObject({ failures: 0, runnerExits: 0 });
  });

  it('shows the same counts in REST, gRPC and metrics', async () => {
    const rest = await fetch(`${doors.http}/v2/models/tiny/versions/1.0.0/stats`);
    const { model_stats } = (await rest.json()) as { model_stats: { inference_count: number }[] };
    const viaGrpc = await client.call('ModelStatistics', { name: 'tiny' });
    const text = await (await fetch(doors.metrics ?? '')).text();
    const count = model_stats[0]?.inference_count ?? 0;
    expect(count).toBeGreaterThan(0);
    expect(viaGrpc.message.model_stats[0]).toMatchObject({
      inference_count: count,
      inference_stats: { compute_infer: { count } },
    });
    expect(viaGrpc.message.model_stats[0].inference_stats.compute_infer.ns).toBeGreaterThan(0);
    expect(text).toContain(`nv_inference_request_success{model="tiny",version="1.0.0"} ${count}\n`);
  });

  it('serves both protocols at once while many calls come', async () => {
    const calls = Array.from({ length: 60 }, (_, i) =>
      infer({
        id: String(i),
        inputs: [INPUT],
        raw_input_contents: [row([0, 1, 2, 3].map((at) => (at === i % 3 ? 5 : 0)))],
      }),
    );
    for (const [i, { message }] of (await Promise.all(calls)).entries()) {
      expect(message.id).toBe(String(i));
      expect(floats(message.raw_output_contents[0])[i % 3]).toBeGreaterThan(0.99);
    }
  });
});
