import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '@ringfleet/shared/release';
import { decodeInferRequest, decodeInferResponse, packStrings, unpackSample } from '@ringfleet/shared/v2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BuiltRelease, buildRelease } from './build-release.ts';
import { fileDigest } from './release-files.ts';
import { type SOURCE, type SourceFiles, writeSource } from './release-fixture.ts';

let root: string;
let lines: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'build-'));
  lines = [];
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const build = (source: string, nowMs = 1_900_000_000_000): Promise<BuiltRelease> =>
  buildRelease({
    source,
    out: join(root, 'dist'),
    nowMs,
    runLimitMs: 1_500,
    progress: (line) => lines.push(line),
    signal: new AbortController().signal,
  });
const buildChanged = async (change?: (source: typeof SOURCE) => void, files?: SourceFiles) =>
  await build(await writeSource(root, change, files));
const refusal = (code: string, message = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('release build', () => {
  it('writes a release whose every file is listed with its digest', async () => {
    const { folder, manifest } = await buildChanged();
    expect(readManifest(await readFile(join(folder, 'manifest.json')))).toEqual(manifest);
    for (const file of manifest.files)
      expect(await fileDigest(join(folder, file.path))).toMatchObject(withoutPath(file));
    const onDisk = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    expect(onDisk).toHaveLength(manifest.files.length + 1);
    expect(manifest).toMatchObject({
      model: 'tiny',
      version: '1.0.0',
      variants: [{ name: 'int8-cpu', isProven: true, entry: 'models/int8-cpu/model.onnx' }],
      inputs: [
        {
          name: 'features',
          datatype: 'FP32',
          axes: [
            { min: 1, max: 8 },
            { min: 4, max: 4 },
          ],
        },
      ],
      outputs: [
        {
          name: 'probabilities',
          axes: [
            { min: 1, max: 8 },
            { min: 3, max: 3 },
          ],
        },
      ],
      conformance: { count: 17 },
      acceptance: { count: 4, metric: 'accuracy', minimum: 0.9 },
      limits: { inferMs: 200 },
    });
  });

  it('records conformance samples with the outputs of this model', async () => {
    const { folder, manifest } = await buildChanged();
    const read = async (name: string) => unpackSample(await readFile(join(folder, 'conformance', name)));
    const request = await read('000.req');
    const response = await read('000.res');
    const { inputs } = decodeInferRequest(request.body, request.headerBytes);
    const { outputs, modelVersion } = decodeInferResponse(response.body, response.headerBytes);
    expect(inputs).toMatchObject([{ name: 'features', datatype: 'FP32', shape: [1, 4] }]);
    expect(outputs).toMatchObject([{ name: 'probabilities', shape: [1, 3] }]);
    expect(modelVersion).toBe('1.0.0');
    const last = await read(`0${manifest.conformance.count - 1}.req`);
    expect(decodeInferRequest(last.body, last.headerBytes).inputs[0]?.shape).toEqual([8, 4]);
  });

  it('builds a model of half precision and text, and keeps the text as the file has it', async () => {
    const { folder, manifest } = await buildChanged(
      (source) => {
        Object.assign(source.data.inputs, { word: ['serial'] });
      },
      { model: 'mixed.onnx', reference: 'mixed.onnx' },
    );
    expect(manifest.inputs.map((input) => input.datatype)).toEqual(['FP16', 'BYTES']);
    expect(manifest.lineage).toMatchObject({ acceptance: { 'int8-cpu': { accuracy: 1 } } });
    const { body, headerBytes } = unpackSample(await readFile(join(folder, 'conformance', '016.res')));
    const echo = decodeInferResponse(body, headerBytes).outputs.find((output) => output.name === 'echo');
    expect(echo && Buffer.from(echo.data).toString()).toMatch(/000.*001.*002/s);
  });

  it('runs the declared steps around the model, and judges it by its own scores', async () => {
    const { folder, manifest } = await buildChanged((source) =>
      Object.assign(source, {
        pre: [{ op: 'normalise', input: 'features', scale: 0.5 }],
        post: [
          { op: 'topK', output: 'probabilities', k: 1, indices: 'class' },
          { op: 'labels', output: 'class', names: ['first', 'second', 'third'] },
        ],
        inputs: { features: { datatype: 'FP64', shape: [-1, 4] } },
      }),
    );
    expect(readManifest(await readFile(join(folder, 'manifest.json')))).toEqual(manifest);
    expect(manifest).toMatchObject({
      inputs: [{ name: 'features', datatype: 'FP64' }],
      outputs: [
        { name: 'probabilities', axes: [{}, { min: 1, max: 1 }] },
        { name: 'class', datatype: 'BYTES' },
      ],
      lineage: { acceptance: { 'int8-cpu': { accuracy: 1 } } },
    });
    const { body, headerBytes } = unpackSample(await readFile(join(folder, 'conformance', '000.res')));
    const named = decodeInferResponse(body, headerBytes).outputs[1];
    expect(new Uint8Array(named?.data ?? [])).toEqual(packStrings(['first']));
  });

  it('refuses steps that do not make what the model takes', async () => {
    const pre = [{ op: 'cast', input: 'features', to: 'INT8' }];
    await expect(buildChanged((source) => Object.assign(source, { pre }))).rejects.toThrow(
      refusal('RELEASE_SOURCE_INVALID', 'the steps give INT8 [1..8, 4], the model takes FP32 [1..8, 4]'),
    );
    const unknown = [{ op: 'sharpen', input: 'features' }];
    await expect(buildChanged((source) => Object.assign(source, { pre: unknown }))).rejects.toThrow(
      refusal('RELEASE_SOURCE_INVALID', '/pre/0'),
    );
  });

  it('refuses a number that the datatype of its input cannot hold', async () => {
    const source = await writeSource(
      root,
      (source) => {
        Object.assign(source.data.inputs, { word: ['serial'] });
      },
      { model: 'mixed.onnx', reference: 'mixed.onnx' },
    );
    await writeFile(join(root, 'data', 'acceptance.csv'), 'a,b,c,d,label,serial\n1,2,3,70000,third,x\n');
    await expect(build(source)).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID', 'row 1: 70000 is no FP16'));
  });

  it('writes the labelled set and one label per sample', async () => {
    const { folder } = await buildChanged();
    const { labels } = JSON.parse(await readFile(join(folder, 'acceptance', 'acceptance.json'), 'utf8'));
    expect(labels).toHaveLength(30);
    expect(labels.slice(0, 4)).toEqual([0, 1, 2, 0]);
  });

  it('profiles features and predictions of the training data', async () => {
    const { manifest } = await buildChanged();
    const [feature] = manifest.profile?.features ?? [];
    expect(manifest.profile).toMatchObject({ samples: 60, classes: [20, 20, 20] });
    expect(feature?.counts.reduce((sum, count) => sum + count, 0)).toBe(60);
    expect(feature?.thresholds).toHaveLength(8);
    expect(manifest.profile?.confidence?.thresholds).toHaveLength(8);
    // As the tensor holds it, not as the file says it.
    expect(feature?.values).toContain(Math.fround(1.1));
    expect(manifest.profile?.confidence?.mean).toBeGreaterThan(0.5);
  });

  it('takes over how often a device is asked, and learns from the order of its data', async () => {
    const { manifest } = await buildChanged((source) => {
      Object.assign(source, { requests: { staleAfterMs: 60_000, perHour: { min: 5 } } });
      Object.assign(source.data, { isOrdered: true });
    });
    expect(manifest.requests).toEqual({ staleAfterMs: 60_000, perHour: { min: 5 } });
    expect(manifest.profile?.features[0]?.stuckAfter).toBeGreaterThanOrEqual(10);
    await expect(
      buildChanged((source) => void Object.assign(source, { requests: { perHour: { most: 5 } } })),
    ).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID'));
  });

  it('takes over what a feature expects, and says where the training data does not keep to it', async () => {
    const { manifest } = await buildChanged((source) => {
      Object.assign(source.features[0] as object, { expect: { max: 1.6, onViolation: 'degrade' } });
    });
    expect(manifest.features[0]?.expect).toEqual({ max: 1.6, onViolation: 'degrade' });
    expect(lines).toContain('feature a: 20 of 60 reference rows break its own `expect`');
    const changed = (expected: object) =>
      buildChanged((source) => void Object.assign(source.features[0] as object, { expect: expected }));
    await expect(changed({ min: 2, max: 1 })).rejects.toThrow(
      refusal('RELEASE_SOURCE_INVALID', 'min 2 is above max 1'),
    );
    await expect(changed({ maximum: 1 })).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID'));
  });

  it('compares with the model before quantization, or says that it did not', async () => {
    const { manifest } = await buildChanged(undefined, { reference: 'merged.onnx' });
    expect(manifest.lineage).toMatchObject({
      trainedWith: 'by hand',
      acceptance: { 'int8-cpu': { samples: 30, accuracy: 1 } },
      compared: { 'int8-cpu': { samples: 30, accuracy: 1, agreement: 2 / 3, referenceAccuracy: 2 / 3 } },
    });
    const alone = await buildChanged((source) => {
      source.variants = [{ name: 'int8-cpu', file: 'model.onnx', providers: ['cpu'] } as never];
    });
    expect(alone.manifest.lineage['compared']).toBe('not compared');
  });

  it('gives the same bytes for the same source and time, and replaces an earlier build', async () => {
    const source = await writeSource(root);
    const first = await build(source);
    expect((await build(source)).digest).toBe(first.digest);
    expect((await build(source, 1_900_000_001_000)).digest).not.toBe(first.digest);
    expect(await readdir(join(root, 'dist'))).toEqual(['tiny-1.0.0']);
  });

  it('refuses a model below its own minimum and leaves nothing behind', async () => {
    await expect(buildChanged(undefined, { model: 'merged.onnx' })).rejects.toThrow(
      refusal('RELEASE_ACCEPTANCE_FAILED', '20 of 30'),
    );
    expect(await readdir(join(root, 'dist'))).toEqual([]);
  });

  it('refuses a model that hangs, one that does not load and one that answers NaN', async () => {
    await expect(hanging()).rejects.toThrow(refusal('EXECUTION_LIMIT_EXCEEDED'));
    const source = await writeSource(root);
    await truncate(join(source, 'model.onnx'), 100);
    await expect(build(source)).rejects.toThrow(refusal('MODEL_LOAD_FAILED', 'model.onnx'));
    await expect(negative()).rejects.toThrow(refusal('NON_FINITE_OUTPUT', 'probabilities'));
    expect(await readdir(join(root, 'dist'))).toEqual([]);
  });

  async function hanging(): Promise<BuiltRelease> {
    const source = await writeSource(root, undefined, { model: 'hang.onnx' });
    await writeFile(join(root, 'data', 'acceptance.csv'), 'a,b,c,d,label\n101,0,0,0,first\n');
    return await build(source);
  }

  async function negative(): Promise<BuiltRelease> {
    const source = await writeSource(root, undefined, { model: 'nan.onnx' });
    await writeFile(join(root, 'data', 'acceptance.csv'), 'a,b,c,d,label\n-1,0,0,0,first\n');
    return await build(source);
  }

  it.each<[string, (source: typeof SOURCE) => void, string]>([
    ['a missing model file', (s) => Object.assign(s.variants[0] ?? {}, { file: 'no.onnx' }), 'no.onnx'],
    [
      'a model outside of the folder',
      (s) => Object.assign(s.variants[0] ?? {}, { file: '../data/train.csv' }),
      'outside',
    ],
    [
      'an absolute model path',
      (s) => Object.assign(s.variants[0] ?? {}, { file: '/etc/hostname' }),
      'outside',
    ],
    ['a missing data file', (s) => Object.assign(s.data, { reference: 'no.csv' }), 'data.reference'],
    ['too few columns', (s) => Object.assign(s.data.inputs, { features: ['a', 'b', 'c'] }), '3 columns'],
    ['an input the model lacks', (s) => Object.assign(s.data.inputs, { other: ['a'] }), 'no input other'],
    ['an output the model lacks', (s) => Object.assign(s.labels, { output: 'scores' }), 'no output scores'],
    ['too few label names', (s) => Object.assign(s.labels, { names: ['first', 'second'] }), 'labels.names'],
    ['a feature out of range', (s) => Object.assign(s.features[0] ?? {}, { index: 4 }), 'features.0'],
    ['a field it does not know', (s) => Object.assign(s, { colour: 'red' }), 'release.yaml'],
    ['a wrong version, by line', (s) => Object.assign(s, { version: '1.0' }), 'line 2, /version'],
  ])('refuses %s', async (_, change, message) => {
    await expect(buildChanged(change)).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID', message));
  });

  it('refuses a model behind a link that leaves the folder', async () => {
    const source = await writeSource(root);
    await rm(join(source, 'model.onnx'));
    await symlink(join(root, 'data', 'train.csv'), join(source, 'model.onnx'));
    await expect(build(source)).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID', 'outside'));
  });

  it('refuses YAML that is broken, by line, and a folder without it', async () => {
    const source = await writeSource(root);
    await writeFile(join(source, 'release.yaml'), 'model: tiny\nversion: "1.0.0\n');
    await expect(build(source)).rejects.toThrow(refusal('RELEASE_SOURCE_INVALID', 'release.yaml: line'));
    await expect(build(join(root, 'data'))).rejects.toThrow(
      refusal('RELEASE_SOURCE_INVALID', 'release.yaml'),
    );
  });

  it('does not replace a folder that is no release', async () => {
    await mkdir(join(root, 'dist', 'tiny-1.0.0'), { recursive: true });
    await writeFile(join(root, 'dist', 'tiny-1.0.0', 'thesis.txt'), 'the only copy');
    await expect(buildChanged()).rejects.toThrow(refusal('RELEASE_OUTPUT_EXISTS'));
    expect(await readdir(join(root, 'dist', 'tiny-1.0.0'))).toEqual(['thesis.txt']);
  });
});

const withoutPath = ({ sizeBytes, sha256 }: { sizeBytes: number; sha256: string }) => ({ sizeBytes, sha256 });
