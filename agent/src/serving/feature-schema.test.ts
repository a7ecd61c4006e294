import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureSpec } from '@ringfleet/shared/release';
import { encodeInferRequest, tensorOf } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../adapters/runner-child.ts';
import { makeTracer } from '../make-tracer.ts';
import type { Runner } from '../ports/runtime.ts';
import { makeTinySlot } from '../runner/tiny-slot.fixture.ts';
import { type PublicClient, publicClient } from './grpc/public-client.fixture.ts';
import { parseExposition } from './metrics/parse-exposition.fixture.ts';
import { createRouter, type ServingRouter } from './router.ts';
import { type FrontEnds, startFrontEnds } from './start-front-ends.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const feature = (name: string, index: number, expected: FeatureSpec['expect']): FeatureSpec => ({
  name,
  input: 'features',
  kind: 'numeric',
  index,
  ...(expected ? { expect: expected } : {}),
});
const FEATURES = [
  feature('speed', 0, { min: 0, max: 120, onViolation: 'reject' }),
  feature('load', 1, { missing: 0.5, max: 50, onViolation: 'degrade' }),
  feature('mode', 2, { values: [0, 1, 2], onViolation: 'reject' }),
  feature('count', 3, { type: 'integer' }),
];
let dir: string;
let router: ServingRouter;
let doors: FrontEnds;
let client: PublicClient;
let runner: Runner;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'feature-schema-'));
  router = createRouter();
  runner = await start('slot');
  router.route('tiny', runner);
  doors = await startFrontEnds({
    router,
    log,
    version: '0',
    // Its counts stand beside those of the features; nothing is sampled.
    tracer: makeTracer({ endpoint: 'http://127.0.0.1:9', ratio: 0 }, { env: {}, version: '0', log }),
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

async function start(slot: string, onnx = 'tiny.onnx'): Promise<Runner> {
  const slotDir = join(dir, slot);
  const spec = await makeTinySlot({ slotDir, onnx, change: (same) => ({ ...same, features: FEATURES }) });
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  return runtime.start(spec, new AbortController().signal);
}

interface Answer {
  readonly status: number;
  readonly degraded: string | undefined;
  readonly body: { readonly error?: string; readonly parameters?: { readonly degraded?: string } };
}

/** Rows as JSON, or with the binary extension. */
function ask(rows: readonly (readonly (number | null)[])[], isBinary: boolean): Promise<Answer> {
  const shape = [rows.length, 4];
  const numbers = rows.flat().map((value) => value ?? Number.NaN);
  const wire = isBinary
    ? encodeInferRequest({ inputs: [tensorOf('features', 'FP32', shape, numbers)] }, { binary: true })
    : {
        body: Buffer.from(
          JSON.stringify({ inputs: [{ name: 'features', datatype: 'FP32', shape, data: rows }] }),
        ),
      };
  const headers =
    'headerBytes' in wire ? { 'inference-header-content-length': String(wire.headerBytes) } : {};
  return new Promise((resolve, reject) => {
    const url = `${doors.http}/v2/models/tiny/infer`;
    const req = request(url, { method: 'POST', headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const length = res.headers['inference-header-content-length'];
        const json = Buffer.concat(chunks).toString('utf8', 0, length ? Number(length) : undefined);
        const degraded = res.headers['ringfleet-degraded'] as string | undefined;
        resolve({ status: res.statusCode ?? 0, degraded, body: JSON.parse(json) });
      });
    });
    req.on('error', reject);
    req.end(wire.body);
  });
}
const overGrpc = (rows: readonly (readonly number[])[]) =>
  client.call('ModelInfer', {
    model_name: 'tiny',
    inputs: [
      {
        name: 'features',
        datatype: 'FP32',
        shape: [rows.length, 4],
        contents: { fp32_contents: rows.flat() },
      },
    ],
  });
const violationsOf = async (name: string, of: Runner = runner) =>
  (await of.counts()).features.find((one) => one.name === name)?.violations;

describe.each([
  ['JSON', false],
  ['the binary extension', true],
])('a value that its feature does not allow, in %s', (_, isBinary) => {
  it('is refused where the schema rejects, by feature, row and limit', async () => {
    const answer = await ask(
      [
        [1, 0, 0, 0],
        [150.25, 0, 0, 0],
      ],
      isBinary,
    );
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe(
      'FEATURE_OUT_OF_RANGE: feature speed, row 1: the value is above the maximum of 120',
    );
    expect((await ask([[1, 0, 5, 0]], isBinary)).body.error).toMatch(
      /^FEATURE_UNKNOWN_CATEGORY: feature mode/,
    );
    expect((await ask([[null, 0, 0, 0]], isBinary)).body.error).toMatch(
      /^NON_FINITE_INPUT: features holds NaN, or null, at row 0, element 0/,
    );
  });

  it('is answered and marked where it degrades, and only counted where it is observed', async () => {
    const before = await violationsOf('count');
    const good = await ask([[1, 2, 0, 0]], isBinary);
    expect([good.status, good.degraded, good.body.parameters]).toEqual([200, undefined, undefined]);
    const odd = await ask([[1, 2, 0, 0.5]], isBinary);
    expect([odd.status, odd.degraded]).toEqual([200, undefined]);
    expect((await violationsOf('count'))?.wrongType).toBe((before?.wrongType ?? 0) + 1);
    const marked = await ask(
      [
        [1, 2, 0, 0],
        [1, 60, 0, 0],
      ],
      isBinary,
    );
    const text = '"load";reason=outOfRange;row=1';
    expect([marked.status, marked.degraded, marked.body.parameters?.degraded]).toEqual([200, text, text]);
  });
});

it('says the same over gRPC', async () => {
  await expect(overGrpc([[150, 0, 0, 0]])).rejects.toMatchObject({
    details: 'FEATURE_OUT_OF_RANGE: feature speed, row 0: the value is above the maximum of 120',
  });
  const { message, headers } = await overGrpc([[1, 60, 0, 0]]);
  const text = '"load";reason=outOfRange;row=0';
  expect(message.parameters['degraded']).toMatchObject({ string_param: text });
  expect(headers['ringfleet-degraded']).toBe(text);
});

it('is marked in an answer that says where its time went as well', async () => {
  const { body } = encodeInferRequest(
    { inputs: [tensorOf('features', 'FP32', [1, 4], [1, 60, 0, 0])] },
    { binary: false },
  );
  const reply = await runner.infer({ body });
  expect(reply).toMatchObject({ ok: true, degraded: '"load";reason=outOfRange;row=0' });
  const { runnerUs = 0, inputUs = 0, computeUs = 0, outputUs = 0 } = reply.ok ? reply : {};
  expect(Math.min(inputUs, computeUs, outputUs)).toBeGreaterThan(0);
  expect(runnerUs).toBeGreaterThan(inputUs + computeUs + outputUs);
});

it('is never held against the release', async () => {
  // Answers NaN to a row with a negative number.
  const broken = await start('broken', 'nan.onnx');
  router.route('broken', broken);
  const call = (row: readonly number[]) =>
    broken.infer({
      body: encodeInferRequest({ inputs: [tensorOf('features', 'FP32', [1, 4], row)] }, { binary: false })
        .body,
    });
  expect(await call([1, -1, 0, 0.5])).toMatchObject({
    ok: false,
    fault: 'client',
    code: 'INPUT_UNANSWERABLE',
  });
  expect(await broken.counts()).toMatchObject({ failures: 0, nonFiniteOutputs: 0, rejected: 1 });
  expect(await call([1, -1, 0, 0])).toMatchObject({ ok: false, fault: 'release', code: 'NON_FINITE_OUTPUT' });
  router.forget('broken');
  await broken.stop(0);
});

it('is in the metrics by feature and reason, refused requests included', async () => {
  await ask([[150, 0, 0, 0]], true);
  await ask([[1, 60, 0, 0]], true);
  const text = await (await fetch(doors.metrics ?? '')).text();
  const found = parseExposition(text);
  const labels = { model: 'tiny', version: '1.0.0' };
  const count = (name: string, reason: string) =>
    found.value('ringfleet_feature_violations_total', { ...labels, feature: name, reason });
  expect(count('speed', 'outOfRange')).toBeGreaterThanOrEqual(1);
  expect(count('load', 'outOfRange')).toBeGreaterThanOrEqual(1);
  expect(count('load', 'missing')).toBe(0);
  expect(found.value('ringfleet_inference_degraded_total', labels)).toBeGreaterThanOrEqual(1);
  expect(found.value('ringfleet_traced_inferences_total', { result: 'exported' })).toBe(0);
});
