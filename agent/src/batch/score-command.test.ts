import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { tensorOf } from '@ringfleet/shared/v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath, makeTinySlot } from '../runner/tiny-slot.fixture.ts';
import { openOutput } from './output-file.ts';
import { score } from './score.ts';
import { scoreCommand } from './score-command.ts';

const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
let dir: string;
let counter = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'score-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const file = (ending: string): string => join(dir, `${++counter}.${ending}`);

async function run(args: readonly string[]) {
  const lines: string[] = [];
  const code = await scoreCommand([...args, '--json'], {
    signal: new AbortController().signal,
    version: '0',
    env: {},
    log,
    print: (line) => void lines.push(line),
    complain: () => undefined,
  });
  return { code, ...(JSON.parse(lines[0] ?? '{}') as object) };
}

async function bestOf(path: string): Promise<(number | string)[]> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  return lines.map((line, i) => {
    const result = JSON.parse(line) as {
      row: number;
      error?: string;
      outputs?: { probabilities: number[] };
    };
    expect(result.row).toBe(i);
    if (!result.outputs) return (result.error ?? '').split(':')[0] ?? '';
    return result.outputs.probabilities.indexOf(Math.max(...result.outputs.probabilities));
  });
}

/** A .npy file of version 1, as numpy writes it. */
function npy(descr: string, shape: readonly number[], data: Uint8Array): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${text.padEnd(117)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), data]);
}

describe('ringfleet-agent score', { timeout: 30_000 }, () => {
  it('scores .csv, .jsonl and .npy files with a model file alone', async () => {
    const rows = [
      [9, 0, 0, 1],
      [0, 9, 0, 1],
      [0, 0, 9, 1],
    ];
    const inputs = [file('csv'), file('jsonl'), file('npy')] as const;
    const named = 'features.1,features.0,features.2,other,features.3';
    const lines = rows.map(([a, b, c, d]) => [b, a, c, 'x', d].join(','));
    await writeFile(inputs[0], `${named}\n${lines.join('\n')}\n`);
    await writeFile(inputs[1], rows.map((row) => JSON.stringify({ features: row })).join('\n'));
    await writeFile(inputs[2], npy('<f8', [3, 4], tensorOf('x', 'FP64', [12], rows.flat()).data));
    for (const input of inputs) {
      const output = file('jsonl');
      const args = ['--path', fixturePath('tiny.onnx'), '--input', input, '--output', output];
      expect(await run(args)).toEqual({ code: 0, rows: 3, failed: 0, resumed: 0 });
      expect(await bestOf(output)).toEqual([0, 1, 2]);
    }
  });

  it('writes bad rows as errors, finds the batch the model takes, and says so by its exit code', async () => {
    const release = await makeTinySlot({ slotDir: join(dir, 'release') });
    await writeFile(join(release.slotDir, 'manifest.json'), JSON.stringify(release.manifest));
    const input = file('csv');
    const good = Array.from({ length: 300 }, (_, i) =>
      [0, 1, 2, 3].map((k) => (k === i % 3 ? 9 : 0)).join(','),
    );
    good[100] = '1,2,many,4';
    await writeFile(input, `a,b,c,d\n${good.join('\n')}\n`);
    const output = file('jsonl');
    const args = ['--path', release.slotDir, '--input', input, '--output', output, '--batch', '150'];
    expect(await run(args)).toEqual({ code: 1, rows: 300, failed: 1, resumed: 0 });
    const expected = Array.from({ length: 300 }, (_, i) => (i === 100 ? 'REQUEST_INVALID' : i % 3));
    expect(await bestOf(output)).toEqual(expected);
  });

  it('goes on behind the last whole line of an interrupted run', async () => {
    const input = file('jsonl');
    await writeFile(input, '[9,0,0,0]\n[0,9,0,0]\n[0,0,9,0]\n');
    const output = file('jsonl');
    await writeFile(output, '{"row":0,"outputs":{"probabilities":[0,0,1]}}\n{"row":1,"outp');
    const args = ['--path', fixturePath('tiny.onnx'), '--input', input, '--output', output];
    expect(await run(args)).toMatchObject({ code: 0, rows: 3, resumed: 1 });
    expect(await bestOf(output)).toEqual([2, 1, 2]);
    expect(await run([...args, '--fresh'])).toMatchObject({ resumed: 0 });
    expect(await bestOf(output)).toEqual([0, 1, 2]);
  });

  it('marks rows whose values broke their schema, and writes an error for those that are refused', async () => {
    const path = join(dir, 'checked');
    const { manifest } = await makeTinySlot({
      slotDir: path,
      change: (same) => ({
        ...same,
        features: [
          {
            name: 'speed',
            input: 'features',
            kind: 'numeric',
            index: 0,
            expect: { max: 5, onViolation: 'degrade' },
          },
          {
            name: 'load',
            input: 'features',
            kind: 'numeric',
            index: 1,
            expect: { missing: 0, onViolation: 'reject' },
          },
        ],
      }),
    });
    await writeFile(join(path, 'manifest.json'), JSON.stringify(manifest));
    const input = file('csv');
    await writeFile(input, 'a,b,c,d\n1,0,0,0\n9,0,0,0\n1,,0,0\n0,3,0,0\n');
    const output = file('jsonl');
    const args = ['--path', path, '--input', input, '--output', output];
    expect(await run(args)).toMatchObject({ code: 1, rows: 4, failed: 1 });
    expect(await bestOf(output)).toEqual([0, 0, 'FEATURE_MISSING', 1]);
    const rows = (await readFile(output, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const degraded = [{ feature: 'speed', reason: 'outOfRange' }];
    expect(rows.map((row) => row.degraded)).toEqual([undefined, degraded, undefined, undefined]);
  });

  it('waits for a model that is busy, and asks again', async () => {
    const output = await openOutput(file('jsonl'), true);
    let asked = 0;
    let pauses = 0;
    const scored = await score({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
      rows: (async function* () {
        yield { x: 1 };
      })(),
      output,
      batch: 4,
      ask: async () => {
        asked += 1;
        if (asked < 3) throw new CodedError('QUEUE_FULL');
        return { outputs: [tensorOf('y', 'FP32', [1, 1], [2])] };
      },
      pause: async () => {
        pauses += 1;
      },
      progress: () => undefined,
    });
    await output.close();
    expect({ scored, asked, pauses }).toEqual({
      scored: { rows: 1, failed: 0, resumed: 0 },
      asked: 3,
      pauses: 2,
    });
  });

  it.each([
    [['--model', 'x', '--input', 'a.csv'], 'USAGE_INVALID'],
    [['--model', 'x', '--path', 'y', '--input', 'a.csv', '--output', 'b.jsonl'], 'USAGE_INVALID'],
    [['--model', 'x', '--input', 'a.csv', '--output', 'b.jsonl', '--colour', 'red'], 'USAGE_INVALID'],
    [['--model', 'x', '--input', 'a.csv', '--output', 'b.parquet'], 'SCORE_INPUT_INVALID'],
  ])('refuses %j', async (args, code) => {
    await expect(run(args)).rejects.toMatchObject({ code });
  });

  it('says where no agent runs', async () => {
    const args = [
      '--model',
      'x',
      '--input',
      'a.csv',
      '--output',
      file('jsonl'),
      '--socket',
      join(dir, 'none'),
    ];
    await expect(run(args)).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' });
  });
});
