import type { Datatype } from '@ringfleet/shared/release';
import { ELEMENT_BYTES, numbersOf, packStrings, type Tensor, tensorOf } from '@ringfleet/shared/v2';
import { describe, expect, it } from 'vitest';
import { ONE_THREAD } from '../../core/run-profile.ts';
import { fixturePath, TINY_ROWS, tinyInput, tinyOutput } from '../tiny-slot.fixture.ts';
import type { Backend, OpenOptions } from './backend.ts';

const onCpu: OpenOptions = { provider: 'cpu', isStrict: true, settings: ONE_THREAD };
const ECHO_TYPES: Readonly<Record<string, Datatype>> = {
  FLOAT16: 'FP16',
  FLOAT: 'FP32',
  DOUBLE: 'FP64',
  STRING: 'BYTES',
};

function echoInput(name: string, rows: number): Tensor {
  const onnxType = name.slice('in_'.length);
  const datatype = ECHO_TYPES[onnxType] ?? (onnxType as Datatype);
  const shape = [rows, 2];
  if (datatype === 'BYTES') {
    const texts = Array.from({ length: 2 * rows }, (_, i) => (i === 0 ? '' : `größe ${i}`));
    return { name, datatype, shape, data: packStrings(texts) };
  }
  // Zeros and ones are valid bits of every type, a bool's too.
  const data = Uint8Array.from({ length: 2 * rows * ELEMENT_BYTES[datatype] }, (_, i) => i % 2);
  return { name, datatype, shape, data };
}
const STALL = [[200, 0, 0, 0]];

/** What every back end promises, whatever library is behind it. */
export function describeBackend(name: string, load: () => Promise<Backend>): void {
  describe(`Backend: ${name}`, () => {
    it('says its version and what it was built with', async () => {
      const backend = await load();
      expect(backend.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(backend.compiledIn()).toContain('cpu');
    });

    it('reads inputs and outputs from the model, and answers by name', async () => {
      const session = await (await load()).open(fixturePath('tiny.onnx'), onCpu);
      expect(session.inputs).toEqual([{ name: 'features', type: 'float32', shape: ['batch', 4] }]);
      expect(session.outputs).toEqual([{ name: 'probabilities', type: 'float32', shape: ['batch', 3] }]);
      const [output] = await session.run([tinyInput(TINY_ROWS)], ['probabilities']);
      expect(output).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [TINY_ROWS.length, 3] });
      const expected = Array.from(numbersOf(tinyOutput(TINY_ROWS)), Number);
      for (const [i, value] of Array.from(numbersOf(output as never), Number).entries())
        expect(Math.abs(value - (expected[i] ?? 9))).toBeLessThan(0.01);
      await session.close();
    });

    it('carries every tensor type bit for bit, empty ones too', async () => {
      const session = await (await load()).open(fixturePath('echo.onnx'), onCpu);
      for (const rows of [0, 1, 3]) {
        const inputs = session.inputs.map(({ name }) => echoInput(name, rows));
        const outputs = await session.run(
          inputs,
          inputs.map(({ name }) => name.replace('in_', 'out_')),
        );
        const seen = outputs.map(({ name, data, ...rest }) => ({
          ...rest,
          data: Buffer.from(data).toString('hex'),
        }));
        const sent = inputs.map(({ name, data, ...rest }) => ({
          ...rest,
          data: Buffer.from(data).toString('hex'),
        }));
        expect(seen).toEqual(sent);
      }
      await session.close();
    });

    it('takes tensors that lie on any byte of a request', async () => {
      const session = await (await load()).open(fixturePath('tiny.onnx'), onCpu);
      const { data, ...rest } = tinyInput([[9, 0, 0, 0]]);
      const shifted = new Uint8Array(data.length + 3);
      shifted.set(data, 3);
      const [output] = await session.run([{ ...rest, data: shifted.subarray(3) }], ['probabilities']);
      expect(Number(numbersOf(output as never)[0])).toBeGreaterThan(0.99);
      await session.close();
    });

    it('says what was wrong with a model, an input and a provider, and goes on', async () => {
      const backend = await load();
      await expect(backend.open('/nowhere.onnx', onCpu)).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
      await expect(backend.open(import.meta.filename, onCpu)).rejects.toMatchObject({
        code: 'MODEL_LOAD_FAILED',
      });
      await expect(
        backend.open(fixturePath('tiny.onnx'), { ...onCpu, provider: 'made-up' }),
      ).rejects.toMatchObject({ code: 'PROVIDER_NOT_AVAILABLE' });
      const session = await backend.open(fixturePath('tiny.onnx'), onCpu);
      const wrong = tensorOf('features', 'FP32', [1, 5], [1, 2, 3, 4, 5]);
      await expect(session.run([wrong], ['probabilities'])).rejects.toMatchObject({ code: 'INFER_FAILED' });
      expect(await session.run([tinyInput([[1, 0, 0, 0]])], ['probabilities'])).toHaveLength(1);
      await session.close();
    });

    it('refuses in place of the CPU what was asked of a provider that is not here', async () => {
      const backend = await load();
      const opening = backend.open(fixturePath('tiny.onnx'), { ...onCpu, provider: 'openvino' });
      await expect(opening).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
    });

    it('counts the nodes that ran on each provider', async () => {
      const session = await (await load()).open(fixturePath('tiny.onnx'), { ...onCpu, isProfiled: true });
      await session.run([tinyInput([[1, 0, 0, 0]])], ['probabilities']);
      const counts = await session.nodeCounts();
      expect(Object.keys(counts ?? {})).toEqual(['cpu']);
      expect(counts?.['cpu']).toBeGreaterThan(0);
      await session.close();
    });

    it('ends an endless run where it says that it can, with the loop free all the while', async () => {
      const backend = await load();
      if (!backend.canTerminate) return;
      const session = await backend.open(fixturePath('hang.onnx'), onCpu);
      let turns = 0;
      const turning = setInterval(() => turns++, 5);
      const ended = expect(session.run([tinyInput(STALL)], ['probabilities'])).rejects.toMatchObject({
        code: 'EXECUTION_LIMIT_EXCEEDED',
      });
      setTimeout(() => session.terminate(), 150);
      await ended;
      clearInterval(turning);
      expect(turns).toBeGreaterThan(5);
      expect(await session.run([tinyInput([[1, 0, 0, 0]])], ['probabilities'])).toHaveLength(1);
      await session.close();
    }, 20_000);
  });
}
