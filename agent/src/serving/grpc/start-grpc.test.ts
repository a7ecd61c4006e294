import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, makeClientConstructor, status } from '@grpc/grpc-js';
import { CodedError } from '@ringfleet/shared/errors';
import { packStrings } from '@ringfleet/shared/v2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InferCall } from '../../ports/runtime.ts';
import { type FakeRunner, failing, fakeRunner, stuck } from '../fake-runner.fixture.ts';
import { createRouter, type ServingRouter } from '../router.ts';
import { type PublicClient, publicClient } from './public-client.fixture.ts';
import { type GrpcServing, startGrpc } from './start-grpc.ts';

const log = { debug: () => undefined, error: () => undefined };
const INPUT = { name: 'x', datatype: 'FP32', shape: [1, 4] };
const REQUEST = { model_name: 'tiny', inputs: [{ ...INPUT, contents: { fp32_contents: [1, 2, 3, 4] } }] };
let dir: string;
let router: ServingRouter;
let serving: GrpcServing;
let client: PublicClient;
let active: FakeRunner;
let asked: InferCall[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'grpc-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(async () => {
  router = createRouter();
  active = fakeRunner('1.1.0');
  asked = [];
  const { infer } = active;
  Object.assign(active, {
    infer: (...[call, signal]: Parameters<typeof infer>) => {
      asked.push(call);
      return infer(call, signal);
    },
  });
  router.route('tiny', active, fakeRunner('1.0.0'));
  serving = await startGrpc({
    router,
    log,
    version: '0.1.0',
    port: 0,
    socketPath: join(dir, 'grpc.sock'),
    maxBodyBytes: 1_000,
    maxHeldBytes: 1_500,
  });
  client = publicClient(`127.0.0.1:${serving.port}`);
});
afterEach(async () => {
  client.close();
  await serving.stop(0);
});

const header = (call: InferCall | undefined) =>
  JSON.parse(Buffer.from(call?.body ?? []).toString('utf8', 0, call?.headerBytes));
const refusedWith = (code: status, details: RegExp) =>
  expect.objectContaining({ code, details: expect.stringMatching(details) });

describe('V2 gRPC', () => {
  it('a page of another site that posts to the gRPC port', async () => {
    expect((await client.call('ServerLive', {})).message).toEqual({ live: true });
    // Browsers speak HTTP/2 over TLS only: what a page can reach here is a server that ends what is no HTTP/2.
    const url = `http://127.0.0.1:${serving.port}/inference.GRPCInferenceService/ModelInfer`;
    const headers = { 'content-type': 'application/grpc', origin: 'https://evil.example' };
    const asking = fetch(url, { method: 'POST', headers, body: Buffer.alloc(5) });
    await expect(asking).rejects.toThrow('fetch failed');
    expect(asked).toEqual([]);
  });

  it('tells health and metadata', async () => {
    expect((await client.call('ServerLive', {})).message).toEqual({ live: true });
    expect((await client.call('ServerReady', {})).message).toEqual({ ready: true });
    expect((await client.call('ServerMetadata', {})).message).toMatchObject({
      name: 'ringfleet-agent',
      version: '0.1.0',
      extensions: expect.arrayContaining(['statistics', 'model_repository']),
    });
    expect((await client.call('ModelReady', { name: 'tiny', version: 'previous' })).message.ready).toBe(true);
    expect((await client.call('ModelMetadata', { name: 'tiny' })).message).toEqual({
      name: 'tiny',
      versions: ['1.1.0', '1.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1] }],
    });
  });

  it('says that an empty model is not ready, and neither is the server', async () => {
    router.clear('empty');
    expect((await client.call('ModelReady', { name: 'empty' })).message).toEqual({ ready: false });
    expect((await client.call('ServerReady', {})).message).toEqual({ ready: false });
    expect((await client.call('RepositoryIndex', {})).message.models).toEqual([
      { name: 'tiny', version: '1.1.0', state: 'READY', reason: '' },
      { name: 'tiny', version: '1.0.0', state: 'READY', reason: '' },
      { name: 'empty', version: '', state: 'UNAVAILABLE', reason: 'MODEL_EMPTY' },
    ]);
    expect((await client.call('RepositoryIndex', { ready: true })).message.models).toHaveLength(2);
  });

  it('answers on the Unix socket, which others of the group may use', async () => {
    const local = publicClient(`unix:${serving.socketPath}`);
    expect((await local.call('ServerLive', {})).message.live).toBe(true);
    local.close();
    expect((await stat(serving.socketPath as string)).mode & 0o777).toBe(0o660);
  });

  it('hands the runner a V2 body with every typed content as its bytes', async () => {
    const inputs = [
      { name: 'bool', datatype: 'BOOL', shape: [2], contents: { bool_contents: [true, false] } },
      { name: 'i8', datatype: 'INT8', shape: [2], contents: { int_contents: [-128, 127] } },
      { name: 'i16', datatype: 'INT16', shape: [2], contents: { int_contents: [-32_768, 7] } },
      { name: 'i32', datatype: 'INT32', shape: [2], contents: { int_contents: [-2_147_483_648, 7] } },
      { name: 'i64', datatype: 'INT64', shape: [2], contents: { int64_contents: [-(2 ** 53), 300] } },
      { name: 'u8', datatype: 'UINT8', shape: [1], contents: { uint_contents: [255] } },
      { name: 'u32', datatype: 'UINT32', shape: [1], contents: { uint_contents: [4_294_967_295] } },
      { name: 'u64', datatype: 'UINT64', shape: [1], contents: { uint64_contents: [2 ** 53] } },
      { name: 'f32', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [0.5, -2] } },
      { name: 'f64', datatype: 'FP64', shape: [1], contents: { fp64_contents: [0.1] } },
      {
        name: 's',
        datatype: 'BYTES',
        shape: [2],
        contents: { bytes_contents: [Buffer.from('é'), Buffer.alloc(0)] },
      },
    ];
    await client.call('ModelInfer', { model_name: 'tiny', id: 'seven', inputs });
    const [call] = asked;
    expect((call?.headerBytes ?? 1) % 8).toBe(0);
    expect(header(call)).toMatchObject({ id: 'seven', parameters: { binary_data_output: true } });
    const expected = [
      Uint8Array.of(1, 0),
      Int8Array.of(-128, 127),
      Int16Array.of(-32_768, 7),
      Int32Array.of(-2_147_483_648, 7),
      BigInt64Array.of(-(2n ** 53n), 300n),
      Uint8Array.of(255),
      Uint32Array.of(4_294_967_295),
      BigUint64Array.of(2n ** 53n),
      Float32Array.of(0.5, -2),
      Float64Array.of(0.1),
      packStrings(['é', '']),
    ].map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
    expect(Buffer.from(call?.body ?? []).subarray(call?.headerBytes)).toEqual(Buffer.concat(expected));
    expect(header(call).inputs.map((input: { shape: number[] }) => input.shape)).toEqual(
      inputs.map(({ shape }) => shape),
    );
  });

  it('passes raw contents on untouched, with the outputs that were asked for', async () => {
    const raw = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
    await client.call('ModelInfer', {
      model_name: 'tiny',
      model_version: '1.1.0',
      inputs: [INPUT],
      outputs: [{ name: 'y', parameters: { classification: { int64_param: 2 } } }],
      raw_input_contents: [raw],
    });
    expect(header(asked[0]).outputs).toEqual([
      { name: 'y', parameters: { binary_data: true, classification: 2 } },
    ]);
    expect(Buffer.from(asked[0]?.body ?? []).subarray(asked[0]?.headerBytes)).toEqual(raw);
  });

  it('names release, provider and fallback, and sends the trace context back', async () => {
    const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
    const first = await client.call('ModelInfer', REQUEST, {}, trace);
    expect(first.headers).toMatchObject({
      'ringfleet-release': '1.1.0',
      'ringfleet-provider': 'cpu',
      ...trace,
    });
    expect(first.headers['ringfleet-fallback']).toBeUndefined();
    active.die();
    expect((await client.call('ModelInfer', REQUEST)).headers).toMatchObject({
      'ringfleet-release': '1.0.0',
      'ringfleet-fallback': 'true',
    });
  });

  it('tells unknown from empty, and the fault of the client from that of the release', async () => {
    router.clear('empty');
    const infer = (more: object) => client.call('ModelInfer', { ...REQUEST, ...more });
    await expect(infer({ model_name: 'nobody' })).rejects.toEqual(
      refusedWith(status.NOT_FOUND, /^MODEL_UNKNOWN: /),
    );
    await expect(infer({ model_version: '9.9.9' })).rejects.toEqual(refusedWith(status.NOT_FOUND, /9\.9\.9/));
    await expect(infer({ model_name: 'empty' })).rejects.toEqual(
      refusedWith(status.UNAVAILABLE, /^MODEL_EMPTY: /),
    );
    await expect(client.call('ModelMetadata', { name: 'nobody' })).rejects.toEqual(
      refusedWith(status.NOT_FOUND, /^MODEL_UNKNOWN: /),
    );
    router.route('tiny', active);
    active.next(failing('client', 'SHAPE_MISMATCH'), failing('release', 'INFER_FAILED'));
    await expect(infer({})).rejects.toEqual(refusedWith(status.INVALID_ARGUMENT, /^SHAPE_MISMATCH: told to/));
    await expect(infer({})).rejects.toEqual(refusedWith(status.INTERNAL, /^INFER_FAILED: told to/));
    active.die();
    router.route('tiny', active);
  });

  it.each([
    [
      'raw tensors that are not one per input',
      { inputs: [INPUT], raw_input_contents: [Buffer.alloc(1), Buffer.alloc(1)] },
    ],
    ['raw and typed contents at once', { inputs: REQUEST.inputs, raw_input_contents: [Buffer.alloc(16)] }],
    ['contents of another type', { inputs: [{ ...INPUT, contents: { int_contents: [1] } }] }],
    [
      'a number outside its type',
      { inputs: [{ ...INPUT, datatype: 'INT8', contents: { int_contents: [128] } }] },
    ],
    ['typed half floats', { inputs: [{ ...INPUT, datatype: 'FP16', contents: { fp32_contents: [1] } }] }],
    ['an unknown datatype', { inputs: [{ ...INPUT, datatype: 'FP4' }] }],
    ['a shape of too many axes', { inputs: [{ ...INPUT, shape: new Array(9).fill(1) }] }],
    ['too many tensors', { inputs: new Array(65).fill({ name: 'x' }) }],
    ['a name without end', { model_name: 'x'.repeat(300), inputs: [] }],
  ])('refuses %s before any runner sees it', async (_what, request) => {
    const sent = { model_name: 'tiny', ...request };
    await expect(client.call('ModelInfer', sent)).rejects.toEqual(
      refusedWith(status.INVALID_ARGUMENT, /^REQUEST_/),
    );
    expect(asked).toEqual([]);
    expect((await client.call('ModelInfer', REQUEST)).message.model_name).toBe('tiny');
  });

  it('refuses bytes that are no message, without an effect on others', async () => {
    const same = (bytes: Buffer): Buffer => bytes;
    const Bytes = makeClientConstructor(
      {
        ModelInfer: {
          path: '/inference.GRPCInferenceService/ModelInfer',
          requestStream: false,
          responseStream: false,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      },
      'bytes',
    );
    const bytes = new Bytes(`127.0.0.1:${serving.port}`, credentials.createInsecure());
    const send = (body: Buffer): Promise<number> =>
      new Promise((resolve) => bytes['ModelInfer']?.(body, (err: { code: number }) => resolve(err.code)));
    const hostile = [
      Buffer.from([0x0a]),
      Buffer.from([0x0a, 0x7f, 0x41]),
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x00, 0x01]),
      Buffer.from([0x0b, 0x0c]),
      Buffer.alloc(900, 0xff),
      Buffer.from([0x2a, 0x02, 0x1a, 0x05]),
    ];
    for (const body of hostile) expect(await send(body)).toBe(status.INVALID_ARGUMENT);
    bytes.close();
    expect(asked).toEqual([]);
  });

  it('refuses a message above the limit and one to a method it does not have', async () => {
    const large = { ...REQUEST, raw_input_contents: [Buffer.alloc(2_000)] };
    await expect(client.call('ModelInfer', large)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect((await client.call('ServerLive', {})).message.live).toBe(true);
  });

  it('refuses what neither the queue nor its memory holds, and takes more when there is room', async () => {
    router.route('tiny', active);
    active.next(() => Promise.reject(new CodedError('QUEUE_FULL')));
    const full = refusedWith(status.RESOURCE_EXHAUSTED, /^QUEUE_FULL: /);
    await expect(client.call('ModelInfer', REQUEST)).rejects.toEqual(full);
    const room = Promise.withResolvers<void>();
    active.next(async () => {
      await room.promise;
      return { ok: false, fault: 'client', code: 'SHAPE_MISMATCH', message: 'had its turn' };
    });
    const large = { model_name: 'tiny', inputs: [INPUT], raw_input_contents: [Buffer.alloc(900)] };
    const first = client.call('ModelInfer', large);
    await expect.poll(() => asked.length).toBe(2);
    await expect(client.call('ModelInfer', large)).rejects.toEqual(full);
    room.resolve();
    await expect(first).rejects.toEqual(refusedWith(status.INVALID_ARGUMENT, /had its turn/));
    await client.call('ModelInfer', large);
  });

  it("keeps the call's deadline, or the timeout parameter, and blames no release", async () => {
    active.next(stuck, stuck);
    await expect(client.call('ModelInfer', REQUEST, { deadline: Date.now() + 60 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    const parameters = { timeout: { int64_param: 20_000 } };
    await expect(client.call('ModelInfer', { ...REQUEST, parameters })).rejects.toEqual(
      refusedWith(status.DEADLINE_EXCEEDED, /no answer within 20 ms/),
    );
    await expect(client.call('ModelInfer', REQUEST, { deadline: Date.now() - 1 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    const never = { timeout: { int64_param: -1 } };
    await expect(client.call('ModelInfer', { ...REQUEST, parameters: never })).rejects.toEqual(
      refusedWith(status.INVALID_ARGUMENT, /^DEADLINE_INVALID/),
    );
    expect(router.counts('tiny', 'sha256:1.1.0')).toMatchObject({ failures: 0, rejected: 0 });
  });

  it('hands on the priority parameter, and refuses one that is none', async () => {
    const ask = (priority: number) =>
      client.call('ModelInfer', { ...REQUEST, parameters: { priority: { int64_param: priority } } });
    await ask(1);
    await ask(0);
    expect(asked.map((call) => call.priority)).toEqual([1, 3]);
    await expect(ask(-1)).rejects.toEqual(refusedWith(status.INVALID_ARGUMENT, /^PRIORITY_INVALID/));
  });

  it('drops the work of a call that was cancelled', async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const { infer } = active;
    active.next(stuck);
    Object.assign(active, {
      infer: (...[call, signal]: Parameters<typeof infer>) => {
        signal?.addEventListener('abort', () => resolve());
        pending.cancel();
        return infer(call, signal);
      },
    });
    // biome-ignore lint/suspicious/noExplicitAny: methods of the generated client.
    const pending = (client.raw as any).ModelInfer(REQUEST, () => undefined);
    await aborted;
    await expect.poll(() => router.stats('tiny')?.of('1.1.0').failures.CANCELED).toBe(1);
  });

  it('counts both protocols at one place and shows them as Triton does', async () => {
    await client.call('ModelInfer', REQUEST);
    router.route('tiny', active);
    active.next(failing('client', 'SHAPE_MISMATCH'));
    await client.call('ModelInfer', REQUEST).catch(() => undefined);
    const { model_stats } = (await client.call('ModelStatistics', { name: 'tiny', version: '1.1.0' }))
      .message;
    expect(model_stats).toHaveLength(1);
    expect(model_stats[0]).toMatchObject({
      name: 'tiny',
      version: '1.1.0',
      inference_count: 1,
      execution_count: 1,
      inference_stats: { success: { count: 1 }, fail: { count: 1 }, compute_infer: { count: 1, ns: 10_000 } },
    });
    expect(model_stats[0].last_inference).toBeGreaterThan(0);
    expect((await client.call('ModelStatistics', {})).message.model_stats).toHaveLength(1);
  });
});

describe('listening', () => {
  it('says when the port or the socket is taken, and refuses an address that others can reach', async () => {
    const again = { router, log, version: '0' };
    const taken = expect.objectContaining({ code: 'PORT_IN_USE' });
    await expect(startGrpc({ ...again, port: serving.port ?? 0 })).rejects.toEqual(taken);
    await expect(startGrpc({ ...again, socketPath: serving.socketPath ?? '' })).rejects.toEqual(taken);
    await expect(startGrpc({ ...again, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
      code: 'SERVING_LISTEN_FAILED',
    });
  });

  it('lets a running call end when it stops', async () => {
    const held = Promise.withResolvers<void>();
    active.next(async () => {
      void serving.stop(5_000).then(() => held.resolve());
      await Promise.resolve();
      return { ok: false, fault: 'client', code: 'SHAPE_MISMATCH', message: 'late' };
    });
    router.route('tiny', active);
    await expect(client.call('ModelInfer', REQUEST)).rejects.toEqual(
      refusedWith(status.INVALID_ARGUMENT, /late/),
    );
    client.close();
    await held.promise;
  });
});
