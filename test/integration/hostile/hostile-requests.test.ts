import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeInferRequest, type Tensor, tensorOf } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../../../agent/src/adapters/runner-child.ts';
import type { Runner } from '../../../agent/src/ports/runtime.ts';
import { makeTinySlot, tinyInput } from '../../../agent/src/runner/tiny-slot.fixture.ts';
import { createRouter, type ServingRouter } from '../../../agent/src/serving/router.ts';
import { type Serving, startServing } from '../../../agent/src/serving/start-serving.ts';
import { Bystander, post, sendRaw } from './bystander.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const MAX_BODY = 1024 * 1024;
const INFER = '/v2/models/tiny/infer';
/** Whoever names no deadline has 10 s: what is answered sooner than that was answered for a reason of its own. */
const DEFAULT_DEADLINE_MS = 10_000;
let dir: string;
let router: ServingRouter;
let runner: Runner;
let serving: Serving;
let socket: string;
let bystander: Bystander;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hostile-'));
  const spec = await makeTinySlot({ slotDir: join(dir, 'slot') });
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  runner = await runtime.start(spec, new AbortController().signal);
  router = createRouter();
  router.route('tiny', runner);
  socket = join(dir, 'v2.sock');
  serving = await startServing({ router, log, version: '0', socketPath: socket, maxBodyBytes: MAX_BODY });
  bystander = new Bystander(socket);
});
afterAll(async () => {
  await bystander.stop();
  await serving.stop(0);
  await runner.stop(0);
  await rm(dir, { recursive: true, force: true });
});

const good = [1, 2, 3, 4];
const tensor = (over: object): object => ({
  name: 'features',
  datatype: 'FP32',
  shape: [1, 4],
  data: good,
  ...over,
});
const json = (...inputs: object[]): Buffer => post(INFER, JSON.stringify({ inputs }));
const lie = (size: number, shape: readonly number[], bytes: number, headerOff = 0): Buffer => {
  const entry = { name: 'features', datatype: 'FP32', shape, parameters: { binary_data_size: size } };
  const head = JSON.stringify({ inputs: [entry] });
  const length = { 'inference-header-content-length': String(head.length + headerOff) };
  return post(INFER, Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]), length);
};
const binary = (input: Tensor): Buffer => {
  const { body, headerBytes } = encodeInferRequest({ inputs: [input] }, { binary: true });
  return post(INFER, body, { 'inference-header-content-length': String(headerBytes) });
};
const slow = (declared: number, sent: string): Buffer =>
  post(INFER, sent, { 'content-length': String(declared), 'ringfleet-deadline-ms': '200' });

const HOSTILE: readonly (readonly [string, Buffer, number, string])[] = [
  ['a wrong name', json(tensor({ name: 'feature' })), 400, 'INPUT_MISSING'],
  ['a wrong type', json(tensor({ datatype: 'INT64' })), 400, 'DATATYPE_MISMATCH'],
  ['a type nobody knows', json(tensor({ datatype: 'FP4' })), 400, 'REQUEST_INVALID'],
  ['a wrong shape', json(tensor({ shape: [2, 2] })), 400, 'SHAPE_MISMATCH'],
  ['a wrong rank', json(tensor({ shape: [4] })), 400, 'SHAPE_MISMATCH'],
  ['an empty batch', json(tensor({ shape: [0, 4], data: [] })), 400, 'SHAPE_MISMATCH'],
  ['a batch above the bound', binary(tinyInput(new Array(65).fill(good))), 400, 'SHAPE_MISMATCH'],
  ['a negative axis', json(tensor({ shape: [-1, 4] })), 400, 'REQUEST_INVALID'],
  ['an axis of 2^53', json(tensor({ shape: [2 ** 53, 2 ** 53] })), 400, 'REQUEST_INVALID'],
  ['a hundred axes', json(tensor({ shape: new Array(100).fill(1) })), 400, 'REQUEST_INVALID'],
  ['no inputs', json(), 400, 'REQUEST_INVALID'],
  ['an input too many', json(tensor({}), tensor({ name: 'more' })), 400, 'INPUT_UNKNOWN'],
  ['an input twice', json(tensor({}), tensor({})), 400, 'REQUEST_INVALID'],
  ['too few numbers', json(tensor({ data: [1] })), 400, 'REQUEST_INVALID'],
  ['text for numbers', json(tensor({ data: ['1', '2', '3', '4'] })), 400, 'REQUEST_INVALID'],
  ['NaN', binary(tensorOf('features', 'FP32', [1, 4], [1, Number.NaN, 1, 1])), 400, 'NON_FINITE_INPUT'],
  ['malformed JSON', post(INFER, '{"inputs": [{'), 400, 'REQUEST_INVALID'],
  ['JSON that is no object', post(INFER, '[1, 2]'), 400, 'REQUEST_INVALID'],
  ['JSON a mile deep', post(INFER, '['.repeat(100_000)), 400, 'REQUEST_INVALID'],
  ['bytes that are no UTF-8', post(INFER, Buffer.of(0x7b, 0xff, 0xfe, 0x7d)), 400, 'REQUEST_INVALID'],
  ['an empty body', post(INFER, ''), 400, 'REQUEST_INVALID'],
  ['a binary size above the body', lie(1_000, [1, 4], 16), 400, 'REQUEST_INVALID'],
  ['a binary size below the shape', lie(8, [1, 4], 8), 400, 'REQUEST_INVALID'],
  ['a negative binary size', lie(-16, [1, 4], 16), 400, 'REQUEST_INVALID'],
  ['a shape larger than its bytes', lie(16, [64, 4], 16), 400, 'REQUEST_INVALID'],
  ['bytes that belong to nothing', lie(16, [1, 4], 4_000), 400, 'REQUEST_INVALID'],
  ['a header length beyond the body', lie(16, [1, 4], 16, 1_000), 400, 'REQUEST_INVALID'],
  ['a header length inside the JSON', lie(16, [1, 4], 16, -5), 400, 'REQUEST_INVALID'],
  ['a body above the bound', post(INFER, ' '.repeat(MAX_BODY + 1)), 413, 'REQUEST_TOO_LARGE'],
  [
    'a body that says it is huge',
    post(INFER, '{', { 'content-length': '9999999999' }),
    413,
    'REQUEST_TOO_LARGE',
  ],
  ['a body that never comes', slow(100, ''), 504, 'DEADLINE_EXCEEDED'],
  ['a body that stops half way', slow(100, '{"inputs":'), 504, 'DEADLINE_EXCEEDED'],
  ['an unknown model', post('/v2/models/other/infer', '{}'), 404, 'MODEL_UNKNOWN'],
  ['an unknown version', post('/v2/models/tiny/versions/9.9.9/infer', '{}'), 404, 'MODEL_UNKNOWN'],
  ['a path out of the models', post('/v2/models/../../etc/passwd', '{}'), 404, 'ROUTE_UNKNOWN'],
  [
    'a method that is not for its path',
    Buffer.from(`DELETE ${INFER} HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['what is not HTTP', Buffer.from('\x16\x03\x01 hello\r\n\r\n'), 400, ''],
];

describe('a hostile request', () => {
  it.each(HOSTILE)('with %s gets its own error, soon', async (_, bytes, status, code) => {
    const startedAt = performance.now();
    expect(await sendRaw(socket, bytes)).toEqual({ status, code });
    expect(performance.now() - startedAt).toBeLessThan(DEFAULT_DEADLINE_MS);
  });

  it.each([
    ['after its body', json(tensor({}))],
    ['within its body', post(INFER, '{"inputs"', { 'content-length': '100' })],
  ])('that half closes its socket %s is over at once', async (_, bytes) => {
    const startedAt = performance.now();
    await sendRaw(socket, bytes, { isHalfClosed: true });
    expect(performance.now() - startedAt).toBeLessThan(DEFAULT_DEADLINE_MS);
  });

  it('in hundreds holds up nobody, costs no memory and leaves no mark on the release', async () => {
    const quick = HOSTILE.filter(([, , status]) => status !== 504).map(([, bytes]) => bytes);
    const round = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await Promise.all(quick.map((bytes) => sendRaw(socket, bytes).then(() => bystander.otherAnswered())));
      }
    };
    await round(3);
    const before = { runner: await runner.counts(), rssBytes: process.memoryUsage.rss() };
    await round(12);
    const after = await runner.counts();
    expect(after.failures).toBe(0);
    expect(after.nonFiniteOutputs).toBe(0);
    expect(after.rejected).toBeGreaterThan(before.runner.rejected);
    expect(router.counts('tiny', runner.spec.digest)).toMatchObject({ failures: 0, runnerExits: 0 });
    expect(after.rssBytes - before.runner.rssBytes).toBeLessThan(64 * 1024 * 1024);
    expect(process.memoryUsage.rss() - before.rssBytes).toBeLessThan(128 * 1024 * 1024);
    expect(bystander.answers).toBeGreaterThan(100);
    expect(bystander.wrong).toEqual([]);
    // Two rounds at most pass while it waits for one answer: nobody is served before it again and again.
    expect(bystander.overtaken).toBeLessThanOrEqual(2 * quick.length);
  });
});
