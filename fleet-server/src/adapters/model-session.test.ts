import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { numbersOf, tensorOf } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelSession, openModelSession } from './model-session.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));
const limits = { loadMs: 20_000, runMs: 20_000 };
const features = (...values: number[]) => [tensorOf('features', 'FP32', [values.length / 4, 4], values)];
const code = (code: string) => expect.objectContaining({ code });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'session-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function withSession<T>(
  path: string,
  use: (session: ModelSession) => Promise<T>,
  options: { runMs?: number; signal?: AbortSignal } = {},
): Promise<T> {
  const { runMs = limits.runMs, signal = new AbortController().signal } = options;
  const session = await openModelSession(path, { ...limits, runMs }, signal);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

describe('model session', () => {
  it('tells inputs, outputs and runtime, and runs batches', async () => {
    await withSession(fixture('tiny.onnx'), async (session) => {
      expect(session.inputs).toEqual([
        { name: 'features', type: 'float32', datatype: 'FP32', shape: ['batch', 4] },
      ]);
      expect(session.outputs[0]).toMatchObject({ name: 'probabilities', shape: ['batch', 3] });
      expect(session.runtime).toMatch(/^\d+\.\d+\.\d+/);
      const [output] = await session.run(features(0, 9, 0, 0, 0, 0, 9, 0));
      expect(output).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [2, 3] });
      const scores = output ? Array.from(numbersOf(output)) : [];
      expect(scores[1]).toBeGreaterThan(0.9);
      expect(scores[5]).toBeGreaterThan(0.9);
    });
  });

  it('kills a model that does not return', async () => {
    await withSession(
      fixture('hang.onnx'),
      async (session) => {
        expect(await session.run(features(1, 0, 0, 0))).toHaveLength(1);
        await expect(session.run(features(101, 0, 0, 0))).rejects.toThrow(code('EXECUTION_LIMIT_EXCEEDED'));
        await expect(session.run(features(1, 0, 0, 0))).rejects.toThrow(code('RUNNER_CRASHED'));
      },
      { runMs: 700 },
    );
  });

  it('refuses files that are no model, or none at all', async () => {
    const broken = join(folder, 'broken.onnx');
    await writeFile(broken, 'not a model');
    const signal = new AbortController().signal;
    await expect(openModelSession(broken, limits, signal)).rejects.toThrow(code('MODEL_LOAD_FAILED'));
    await expect(openModelSession(join(folder, 'no.onnx'), limits, signal)).rejects.toThrow(
      code('MODEL_LOAD_FAILED'),
    );
  });

  it('names what was wrong with a run and goes on', async () => {
    await withSession(fixture('tiny.onnx'), async (session) => {
      const wide = [tensorOf('features', 'FP32', [1, 5], [1, 2, 3, 4, 5])];
      await expect(session.run(wide)).rejects.toThrow(code('INFER_FAILED'));
      expect(await session.run(features(1, 0, 0, 0))).toHaveLength(1);
    });
  });

  it('ends with its caller', async () => {
    const abort = new AbortController();
    await withSession(
      fixture('hang.onnx'),
      async (session) => {
        const running = session.run(features(101, 0, 0, 0));
        abort.abort();
        await expect(running).rejects.toThrow(code('ABORTED'));
      },
      { signal: abort.signal },
    );
  });
});
