import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@ringfleet/shared/release';
import { decodeInferResponse, encodeInferRequest, packStrings, tensorOf } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../adapters/runner-child.ts';
import type { Runner } from '../ports/runtime.ts';
import { makeTinySlot } from './tiny-slot.fixture.ts';

const log = { debug: () => undefined, warn: () => undefined };
const batch = { min: 1, max: 64 };
const one = { min: 1, max: 1 };
let dir: string;
let runner: Runner;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'declared-steps-'));
  const spec = await makeTinySlot({ slotDir: join(dir, 'slot') });
  const manifest: Manifest = {
    ...spec.manifest,
    inputs: [{ name: 'features', datatype: 'UINT8', axes: [batch, { min: 4, max: 4 }] }],
    outputs: [
      { name: 'probabilities', datatype: 'BOOL', axes: [batch, one] },
      { name: 'class', datatype: 'BYTES', axes: [batch, one] },
    ],
    pre: [{ op: 'normalise', input: 'features', scale: 1 / 255 }],
    post: [
      { op: 'topK', output: 'probabilities', k: 1, indices: 'class' },
      { op: 'labels', output: 'class', names: ['first', 'second', 'third'] },
      { op: 'threshold', output: 'probabilities', value: 0.7 },
    ],
  };
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  runner = await runtime.start({ ...spec, manifest }, new AbortController().signal);
});
afterAll(async () => {
  await runner.stop(0);
  await rm(dir, { recursive: true, force: true });
});

const input = tensorOf('features', 'UINT8', [2, 4], [0, 255, 0, 9, 200, 0, 204, 9]);

async function ask(outputs?: string[]) {
  const reply = await runner.infer(
    encodeInferRequest({ inputs: [input], ...(outputs ? { outputs } : {}) }, { binary: true }),
  );
  if (!reply.ok) throw new Error(`${reply.code}: ${reply.message}`);
  return decodeInferResponse(reply.body, reply.headerBytes).outputs.map((output) => ({
    ...output,
    data: new Uint8Array(output.data),
  }));
}

it('runs the steps of the manifest around the model, and answers what it declares', async () => {
  expect(await ask()).toEqual([
    { ...tensorOf('probabilities', 'BOOL', [2, 1], [1, 0]) },
    { name: 'class', datatype: 'BYTES', shape: [2, 1], data: packStrings(['second', 'third']) },
  ]);
  expect((await ask(['class'])).map((output) => output.name)).toEqual(['class']);
});

it('counts classes as the model gave them', async () => {
  const before = (await runner.counts()).classes as number[];
  await ask(['class']);
  const after = (await runner.counts()).classes as number[];
  expect(after.map((count, i) => count - (before[i] as number))).toEqual([0, 1, 1]);
});
