import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Datatype } from '@ringfleet/shared/release';
import {
  decodeInferResponse,
  encodeInferRequest,
  packStrings,
  type Tensor,
  tensorOf,
} from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime, readSignature } from '../adapters/runner-child.ts';
import type { Runner } from '../ports/runtime.ts';
import { localModel } from '../serving/local-model.ts';
import { fixturePath } from './tiny-slot.fixture.ts';

const log = { debug: () => undefined, warn: () => undefined };
let dir: string;
let runner: Runner;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'every-type-'));
  const options = { runDir: dir, log };
  const spec = await localModel(fixturePath('types.onnx'), (file) => readSignature(file, options));
  runner = await createPlainChildRuntime(options).start(spec, new AbortController().signal);
});
afterAll(async () => {
  await runner.stop(0);
  await rm(dir, { recursive: true, force: true });
});

const VALUES: Readonly<Record<Exclude<Datatype, 'BYTES' | 'INT64' | 'UINT64'>, number[]>> = {
  BOOL: [1, 0],
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  FP16: [-1.5, 65_504],
  FP32: [-1.5, 3.4e38],
  FP64: [-1.5, 1.7e308],
};
const big = (name: string, datatype: Datatype, values: BigInt64Array | BigUint64Array): Tensor => ({
  name,
  datatype,
  shape: [2],
  data: new Uint8Array(values.buffer),
});
const INPUTS: readonly Tensor[] = [
  ...Object.entries(VALUES).map(([datatype, values]) =>
    tensorOf(`in_${datatype.toLowerCase()}`, datatype as Datatype, [2], values),
  ),
  big('in_int64', 'INT64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
  big('in_uint64', 'UINT64', BigUint64Array.of(0n, 2n ** 64n - 1n)),
  { name: 'in_bytes', datatype: 'BYTES', shape: [2], data: packStrings(['', 'Zähler 7']) },
  tensorOf('left', 'FP32', [], [1.5]),
  tensorOf('right', 'FP32', [], [2]),
];

async function ask(inputs: readonly Tensor[], outputs?: readonly string[], binary = true) {
  const reply = await runner.infer(
    encodeInferRequest({ inputs, ...(outputs ? { outputs } : {}) }, { binary }),
  );
  if (!reply.ok) return `${reply.fault} ${reply.code}`;
  const { outputs: answers } = decodeInferResponse(reply.body, reply.headerBytes);
  return answers.map((output) => ({ ...output, data: new Uint8Array(output.data) }));
}

const replaced = (tensor: Tensor): Tensor[] =>
  INPUTS.map((input) => (input.name === tensor.name ? tensor : input));

describe('a model of every datatype', () => {
  it('gives back each extreme value to the bit, and the sum of two scalars', async () => {
    const outputs = await ask(INPUTS);
    if (typeof outputs === 'string') throw new Error(outputs);
    expect(outputs).toHaveLength(14);
    for (const input of INPUTS.slice(0, 13)) {
      const output = outputs.find((candidate) => candidate.name === input.name.replace('in_', 'out_'));
      expect(output).toMatchObject({ datatype: input.datatype, shape: [2] });
      expect(Buffer.from(output?.data ?? []).equals(Buffer.from(input.data)), input.name).toBe(true);
    }
    expect(outputs[13]).toEqual(tensorOf('sum', 'FP32', [], [3.5]));
  });

  it('takes another length of a free axis, in JSON as well', async () => {
    const row = encodeInferRequest(
      { inputs: INPUTS.filter((input) => input.datatype !== 'FP16') },
      { binary: false },
    );
    expect(Buffer.from(row.body).toString()).toContain('"data":[-9223372036854775808,9223372036854775807]');
    const longer = { ...tensorOf('in_fp16', 'FP16', [3], [1, 2, 3]) };
    const outputs = await ask(replaced(longer), ['out_fp16']);
    expect(outputs).toEqual([{ ...longer, name: 'out_fp16' }]);
  });

  it('answers the requested outputs in their order, and no other', async () => {
    const outputs = await ask(INPUTS, ['sum', 'out_bool']);
    expect(typeof outputs === 'string' ? outputs : outputs.map((output) => output.name)).toEqual([
      'sum',
      'out_bool',
    ]);
    expect(await ask(INPUTS, ['out_nothing'])).toBe('client OUTPUT_UNKNOWN');
  });

  it.each([
    ['an empty batch', tensorOf('in_fp32', 'FP32', [0], []), 'client SHAPE_MISMATCH'],
    ['a vector for a scalar', tensorOf('left', 'FP32', [1], [1]), 'client SHAPE_MISMATCH'],
    ['a scalar for a vector', tensorOf('in_fp32', 'FP32', [], [1]), 'client SHAPE_MISMATCH'],
    ['another float', tensorOf('in_fp32', 'FP64', [1], [1]), 'client DATATYPE_MISMATCH'],
    [
      'text that is no UTF-8',
      { name: 'in_bytes', datatype: 'BYTES' as const, shape: [1], data: Uint8Array.of(1, 0, 0, 0, 0xff) },
      'client REQUEST_INVALID',
    ],
    [
      'text shorter than it says',
      { name: 'in_bytes', datatype: 'BYTES' as const, shape: [1], data: Uint8Array.of(9, 0, 0, 0, 0x61) },
      'client REQUEST_INVALID',
    ],
  ])('refuses %s as the fault of the client', async (_, tensor, refusal) => {
    const before = await runner.counts();
    expect(await ask(replaced(tensor))).toBe(refusal);
    expect((await runner.counts()).failures).toBe(before.failures);
  });
});
