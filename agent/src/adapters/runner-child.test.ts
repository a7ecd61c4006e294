import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeInferResponse, encodeInferRequest, numbersOf } from '@ringfleet/shared/v2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hardBoundMs } from '../core/execution-limit.ts';
import type { InferCall, InferReply, Runner } from '../ports/runtime.ts';
import { makeTinySlot, type TinySlotOptions, tinyInput } from '../runner/tiny-slot.fixture.ts';
import { createPlainChildRuntime } from './runner-child.ts';
import { findRuntimeLibrary } from './runtime-library.ts';

const signal = new AbortController().signal;
const log = { debug: () => undefined, warn: () => undefined };
const STALL = [[200, 0, 0, 0]];
let dir: string;
let runners: Runner[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runner-child-'));
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop(0)));
  runners = [];
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function start(options: Omit<TinySlotOptions, 'slotDir'> = {}, abort = signal): Promise<Runner> {
  const spec = await makeTinySlot({ slotDir: await mkdtemp(join(dir, 'slot-')), ...options });
  const runner = await createPlainChildRuntime({ runDir: join(dir, 'run'), log }).start(spec, abort);
  runners.push(runner);
  return runner;
}

const call = (rows: readonly (readonly number[])[], binary = true): InferCall =>
  encodeInferRequest({ id: 'a', inputs: [tinyInput(rows)] }, { binary });

function classesOf(reply: InferReply): number[] {
  if (!reply.ok) throw new Error(`${reply.code}: ${reply.message}`);
  const values = Array.from(
    numbersOf(decodeInferResponse(reply.body, reply.headerBytes).outputs[0] as never),
  );
  return [0, 3, 6, 9]
    .filter((at) => at < values.length)
    .map((at) => {
      const row = values.slice(at, at + 3);
      return row.indexOf(Math.max(...row));
    });
}

describe('a machine that has no file descriptors left', () => {
  it('is what a runner that cannot be started is put down to', async () => {
    const fixture = fileURLToPath(new URL('./runner-without-descriptors.fixture.ts', import.meta.url));
    const folders = `${join(dir, 'run')} ${await mkdtemp(join(dir, 'slot-'))}`;
    const line = `ulimit -n 64 && exec ${process.execPath} --conditions=source ${fixture} ${folders}`;
    const { stdout } = await promisify(execFile)('bash', ['-c', line]);
    expect(stdout).toBe('RUNNER_START_FAILED');
  });
});

describe('a runner in a child process', () => {
  it('answers JSON and binary requests alike and says what it runs on', async () => {
    const runner = await start();
    expect(runner.provider).toEqual({ asked: ['cpu'], active: 'cpu', reason: 'first choice' });
    const rows = [
      [5, 1, 0, 0],
      [0, 1, 5, 0],
    ];
    expect(classesOf(await runner.infer(call(rows, true)))).toEqual([0, 2]);
    expect(classesOf(await runner.infer(call(rows, false)))).toEqual([0, 2]);
  });

  it('counts answers, features, classes and latency, and nothing of its own samples', async () => {
    const runner = await start();
    expect(await runner.checkConformance(signal)).toMatchObject({ ok: true, count: 4 });
    await runner.infer(call([[3, 0, 0, 0]]));
    await runner.infer(call([[9, 0, 0, 0]]));
    const counts = await runner.counts();
    expect(counts).toMatchObject({ answers: 2, failures: 0, rejected: 0, classes: [2, 0, 0] });
    expect(counts.features).toEqual([
      { name: 'speed', bins: [0, 0, 0, 1, 1], missing: 0, nonFinite: 0, outOfRange: 1 },
    ]);
    expect(counts.latencyUs.reduce((sum, n) => sum + n, 0)).toBe(2);
    expect(counts.rssBytes).toBeGreaterThan(1_000_000);
  });

  it("refuses what is the client's fault without holding it against the release", async () => {
    const runner = await start();
    const codes = [];
    for (const rows of [[[1, 2, 3]], [[Number.NaN, 0, 0, 0]]]) {
      const input = { ...tinyInput(rows), shape: [1, rows[0]?.length ?? 0] };
      const reply = await runner.infer(encodeInferRequest({ inputs: [input] }, { binary: true }));
      codes.push(reply.ok ? 'ok' : `${reply.fault} ${reply.code}`);
    }
    const garbage = await runner.infer({ body: Buffer.from('{"inputs":') });
    codes.push(garbage.ok ? 'ok' : `${garbage.fault} ${garbage.code}`);
    expect(codes).toEqual(['client SHAPE_MISMATCH', 'client NON_FINITE_INPUT', 'client REQUEST_INVALID']);
    const counts = await runner.counts();
    expect(counts).toMatchObject({ answers: 0, failures: 0, rejected: 3 });
    expect(counts.features[0]?.nonFinite).toBe(1);
  });

  it('holds an answer of NaN to a valid input against the release', async () => {
    const runner = await start({ onnx: 'nan.onnx' });
    expect(await runner.infer(call([[-1, 1, 1, 1]]))).toMatchObject({
      fault: 'release',
      code: 'NON_FINITE_OUTPUT',
    });
    expect(await runner.counts()).toMatchObject({ failures: 1, nonFiniteOutputs: 1 });
  });

  it('kills a run at the execution limit and tells executing from queued calls', async () => {
    const runner = await start({ onnx: 'hang.onnx', inferMs: 200 });
    expect(classesOf(await runner.infer(call([[0, 4, 0, 0]])))).toEqual([1]);
    const calls = await Promise.allSettled([
      runner.infer(call(STALL)),
      runner.infer(call([[1, 0, 0, 0]])),
      runner.infer(call([[1, 0, 0, 0]])),
    ]);
    expect(
      calls.map((result) => (result.status === 'rejected' ? [result.reason.code, result.reason.at] : 'ok')),
    ).toEqual([
      ['RUNNER_GONE', 'executing'],
      ['RUNNER_GONE', 'queued'],
      ['RUNNER_GONE', 'queued'],
    ]);
    expect(await runner.exited).toMatchObject({ reason: 'executionLimit', code: 'EXECUTION_LIMIT_EXCEEDED' });
    await expect(runner.infer(call([[1, 0, 0, 0]]))).rejects.toMatchObject({ code: 'RUNNER_GONE' });
  });

  it('does not take waiting in the queue for running', async () => {
    const runner = await start({ inferMs: 250 });
    const calls = Array.from({ length: 60 }, () =>
      runner.infer(call(new Array(64).fill([1, 2, 3, 4]), false)),
    );
    const replies = await Promise.all(calls);
    expect(replies.every((reply) => reply.ok)).toBe(true);
  });

  it('does not kill a runner that answered while the loop of the agent stood still', async () => {
    const runner = await start({ inferMs: 100 });
    const reply = runner.infer(call([[1, 0, 0, 0]]));
    const until = performance.now() + 400;
    while (performance.now() < until);
    expect((await reply).ok).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')(
    'does not take a runner that was stopped for a hung one, and answers when it goes on',
    async () => {
      const runner = await start({ inferMs: 200 });
      process.kill(runner.pid, 'SIGSTOP');
      const reply = runner.infer(call([[1, 0, 0, 0]]));
      setTimeout(() => process.kill(runner.pid, 'SIGCONT'), 700);
      expect(classesOf(await reply)).toEqual([0]);
      expect(classesOf(await runner.infer(call([[0, 4, 0, 0]])))).toEqual([1]);
    },
  );

  it.skipIf(process.platform !== 'linux')(
    'ends a runner that stays stopped at the hard bound, while callers keep their own deadlines',
    async () => {
      const runner = await start({ inferMs: 100 });
      process.kill(runner.pid, 'SIGSTOP');
      const impatient = runner.infer(call([[1, 0, 0, 0]]), AbortSignal.timeout(100));
      const patient = runner.infer(call([[1, 0, 0, 0]]));
      await expect(impatient).rejects.toMatchObject({ code: 'ABORTED' });
      const startedAt = performance.now();
      await expect(patient).rejects.toMatchObject({ code: 'RUNNER_GONE', at: 'queued' });
      expect(performance.now() - startedAt).toBeGreaterThan(hardBoundMs(100) - 500);
      expect(await runner.exited).toMatchObject({ reason: 'executionLimit' });
    },
    15_000,
  );

  it('times the run of a large request, not its decoding', async () => {
    const runner = await start({ inferMs: 40 });
    const rows = new Array(64).fill([1, 2, 3, 4]);
    const { body } = encodeInferRequest({ inputs: [tinyInput(rows)] }, { binary: false });
    const padded = Buffer.concat([body, Buffer.alloc(30_000_000, 0x20)]);
    expect((await runner.infer({ body: padded })).ok).toBe(true);
  });

  it('refuses with QUEUE_FULL what its queue cannot hold, and drops what is given up while it waits', async () => {
    const runner = await start({ onnx: 'hang.onnx', inferMs: 500 });
    const abort = new AbortController();
    const results = Array.from({ length: 70 }, () =>
      runner.infer(call(STALL), abort.signal).catch((err) => err.code),
    );
    expect(await results[69]).toBe('QUEUE_FULL');
    abort.abort();
    expect(await results[30]).toBe('ABORTED');
    expect(await runner.exited).toMatchObject({ reason: 'executionLimit' });
  });

  it('answers the urgent first, and lets them have the places of others in a full queue', async () => {
    const runner = await start();
    const order: number[] = [];
    const ask = (priority: number) =>
      runner.infer({ ...call([[1, 0, 0, 0]]), priority }).then(
        () => order.push(priority),
        (err) => err.code,
      );
    process.kill(runner.pid, 'SIGSTOP');
    const waiting = Array.from({ length: 66 }, () => ask(4));
    const urgent = [ask(1), ask(2)];
    expect(await Promise.all(waiting.slice(-2))).toEqual(['QUEUE_FULL', 'QUEUE_FULL']);
    process.kill(runner.pid, 'SIGCONT');
    await Promise.all([...waiting, ...urgent]);
    // Two were with the runner before anybody urgent came.
    expect(order.slice(0, 5)).toEqual([4, 4, 1, 2, 4]);
    expect(order).toHaveLength(66);
  });

  it('takes the whole body as its only input where that is announced', async () => {
    const runner = await start();
    const raw = (bytes: number) => runner.infer({ body: Buffer.alloc(bytes), headerBytes: 0 });
    const reply = await raw(32);
    expect(reply.ok && decodeInferResponse(reply.body, reply.headerBytes).outputs[0]?.shape).toEqual([2, 3]);
    expect(await raw(7)).toMatchObject({ ok: false, fault: 'client', code: 'REQUEST_INVALID' });
    expect(await raw(0)).toMatchObject({ ok: false, fault: 'client', code: 'SHAPE_MISMATCH' });
  });

  it('says so when the process is killed from outside', async () => {
    const runner = await start();
    process.kill(runner.pid, 'SIGKILL');
    expect(await runner.exited).toMatchObject({ reason: 'crashed', code: 'RUNNER_CRASHED' });
    await expect(runner.counts()).rejects.toMatchObject({ code: 'RUNNER_GONE' });
  });

  it('lets running calls end when it is stopped', async () => {
    const runner = await start();
    const calls = Array.from({ length: 20 }, () => runner.infer(call([[1, 0, 0, 0]])));
    await runner.stop(5_000);
    expect((await Promise.all(calls)).every((reply) => reply.ok)).toBe(true);
    expect(await runner.exited).toMatchObject({ reason: 'stopped' });
  });

  it('refuses a file that is no model, a provider it does not have, and work given up', async () => {
    const garbage = join(dir, 'garbage.onnx');
    await writeFile(garbage, 'this is not a model');
    await expect(start({ onnx: garbage })).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
    await expect(start({ providers: ['tensorrt'] })).rejects.toMatchObject({
      code: 'PROVIDER_NOT_AVAILABLE',
    });
    await expect(start({ loadMs: 1 })).rejects.toMatchObject({ code: 'LOAD_LIMIT_EXCEEDED' });
    await expect(start({}, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
    const soon = new AbortController();
    const starting = start({}, soon.signal);
    setImmediate(() => soon.abort());
    await expect(starting).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('falls back to a later provider of the variant and says why', async () => {
    const runner = await start({ providers: ['tensorrt', 'cpu'] });
    expect(runner.provider).toEqual({
      asked: ['tensorrt', 'cpu'],
      active: 'cpu',
      reason: expect.stringMatching(/^tensorrt: /),
    });
  });
});

describe('a runner on a library of its own', () => {
  const { file: library } = findRuntimeLibrary({ backend: 'ort-node' });

  it.skipIf(!library)('ends a hanging run itself, says so, and goes on answering', async () => {
    const spec = await makeTinySlot({
      slotDir: await mkdtemp(join(dir, 'slot-')),
      onnx: 'hang.onnx',
      inferMs: 300,
    });
    const runtime = { backend: 'ort-capi', library: library ?? '' } as const;
    const runner = await createPlainChildRuntime({ runDir: join(dir, 'run'), log, runtime }).start(
      spec,
      signal,
    );
    runners.push(runner);
    const reply = await runner.infer(call(STALL));
    expect(reply).toMatchObject({ ok: false, fault: 'release', code: 'EXECUTION_LIMIT_EXCEEDED' });
    expect(classesOf(await runner.infer(call([[5, 1, 0, 0]])))).toEqual([0]);
  });

  it.skipIf(!library)('does not try a provider whose probe failed, and gives its reason', async () => {
    const providers = ['cuda', 'cpu'];
    const spec = await makeTinySlot({ slotDir: await mkdtemp(join(dir, 'slot-')), providers });
    const unusable = () => [{ name: 'cuda', why: 'crashed: signal SIGSEGV' }];
    const runner = await createPlainChildRuntime({ runDir: join(dir, 'run'), log, unusable }).start(
      spec,
      signal,
    );
    runners.push(runner);
    expect(runner.provider).toMatchObject({ active: 'cpu', reason: 'cuda: crashed: signal SIGSEGV' });
  });
});

describe('samples', () => {
  it("pass on their own release and stop a wrong model by the other release's labelled set", async () => {
    const good = await start();
    const wrong = await start({ version: '1.1.0', onnx: 'merged.onnx' });
    const { slotDir, manifest } = good.spec;
    expect(await good.checkAcceptance(slotDir, manifest, signal)).toMatchObject({ ok: true, count: 4 });
    expect(await wrong.checkAcceptance(slotDir, manifest, signal)).toEqual({
      ok: false,
      code: 'ACCEPTANCE_FAILED',
      sentence: "3 of 4 samples of 1.0.0's acceptance set are right (75.0 %); the set asks for 90.0 %.",
    });
    expect(await wrong.checkConformance(signal)).toMatchObject({ ok: false, code: 'CONFORMANCE_FAILED' });
  });

  it('that hang the model end the runner at the limit', async () => {
    const runner = await start({ onnx: 'hang.onnx', inferMs: 100 });
    const request = encodeInferRequest({ inputs: [tinyInput(STALL)] }, { binary: true });
    const sample = Buffer.concat([Buffer.from([0, 0, 0, 0]), request.body]);
    sample.writeUInt32LE(request.headerBytes ?? 0);
    await writeFile(join(runner.spec.slotDir, 'conformance/003.req'), sample);
    await expect(runner.checkConformance(signal)).rejects.toMatchObject({ code: 'RUNNER_GONE' });
    expect(await runner.exited).toMatchObject({ reason: 'executionLimit' });
  });
});
