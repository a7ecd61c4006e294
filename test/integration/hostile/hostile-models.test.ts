import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeInferRequest } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../../../agent/src/adapters/runner-child.ts';
import type { Runner, Runtime } from '../../../agent/src/ports/runtime.ts';
import { fixturePath, makeTinySlot, tinyInput } from '../../../agent/src/runner/tiny-slot.fixture.ts';
import { createRouter } from '../../../agent/src/serving/router.ts';
import { type Serving, startServing } from '../../../agent/src/serving/start-serving.ts';
import { Bystander } from './bystander.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const signal = new AbortController().signal;
let dir: string;
let runtime: Runtime;
let good: Runner;
let serving: Serving;
let bystander: Bystander;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hostile-models-'));
  runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  good = await runtime.start(await makeTinySlot({ slotDir: join(dir, 'good') }), signal);
  const router = createRouter();
  router.route('tiny', good);
  const socketPath = join(dir, 'v2.sock');
  serving = await startServing({ router, log, version: '0', socketPath });
  bystander = new Bystander(socketPath);
});
afterAll(async () => {
  await bystander.stop();
  expect(bystander.wrong).toEqual([]);
  expect((await good.counts()).failures).toBe(0);
  await serving.stop(0);
  await good.stop(0);
  await rm(dir, { recursive: true, force: true });
});

async function start(onnx: string, loadMs = 20_000): Promise<Runner> {
  const folder = await mkdtemp(join(dir, 'slot-'));
  await writeFile(join(folder, 'weights.bin'), Buffer.alloc(48, 1));
  return runtime.start(
    await makeTinySlot({ slotDir: join(folder, 'slot'), onnx, loadMs, inferMs: 500 }),
    signal,
  );
}

async function written(name: string, bytes: Uint8Array): Promise<string> {
  await mkdir(join(dir, 'files'), { recursive: true });
  await writeFile(join(dir, 'files', name), bytes);
  return join(dir, 'files', name);
}

/** The same bytes at every run. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256').update(String(i)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

describe('a hostile model file', () => {
  it.each([1, 40, 200, 300])('cut to %i bytes is refused', async (bytes) => {
    const whole = await readFile(fixturePath('tiny.onnx'));
    const file = await written(`cut-${bytes}.onnx`, whole.subarray(0, bytes));
    await expect(start(file)).rejects.toMatchObject({ code: expect.stringMatching(/^MODEL_/) });
  });

  it('of random bytes is refused', async () => {
    await expect(start(await written('noise.onnx', noise(100_000)))).rejects.toMatchObject({
      code: 'MODEL_LOAD_FAILED',
    });
  });

  it('of unknown operators is refused', async () => {
    await expect(start('unknown.onnx')).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
  });

  it('with data outside of its folder is refused, even where that data exists', async () => {
    await expect(start('outside.onnx')).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
  });

  it('that never ends its first run is ended at the load limit', async () => {
    const before = bystander.answers;
    // The limit counts the time in which the model could run; the clock on the wall would judge the machine as well.
    await expect(start('forever.onnx', 2_000)).rejects.toMatchObject({ code: 'LOAD_LIMIT_EXCEEDED' });
    expect(bystander.answers - before).toBeGreaterThan(20);
  });

  it('that asks for absurd memory fails its own requests only', async () => {
    const runner = await start('absurd.onnx');
    const call = encodeInferRequest({ inputs: [tinyInput([[1, 2, 3, 4]])] }, { binary: true });
    expect(await runner.infer(call)).toMatchObject({ ok: false, fault: 'release', code: 'INFER_FAILED' });
    expect((await runner.counts()).rssBytes).toBeLessThan(400 * 1024 * 1024);
    await runner.stop(0);
  });
});
