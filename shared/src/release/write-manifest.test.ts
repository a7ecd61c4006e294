import { expect, it } from 'vitest';
import type { Manifest } from './manifest.ts';
import { readManifest } from './read-manifest.ts';
import { manifestBytes } from './write-manifest.ts';

const file = { path: 'models/a/model.onnx', sizeBytes: 1, sha256: `sha256:${'0'.repeat(64)}` };
const manifest: Manifest = {
  schema: 'ringfleet/manifest/1',
  model: 'tiny',
  version: '1.0.0',
  createdAt: '2030-01-01T00:00:00.000Z',
  description: 'für Ü',
  license: 'none',
  files: [file],
  variants: [
    {
      name: 'a',
      entry: file.path,
      files: [file.path],
      constraints: { providers: ['cpu'] },
      session: {},
      isProven: true,
    },
  ],
  inputs: [{ name: 'x', datatype: 'FP32', axes: [{ min: 1, max: 1 }] }],
  outputs: [{ name: 'y', datatype: 'FP32', axes: [{ min: 1, max: 1 }] }],
  pre: [],
  post: [],
  features: [],
  conformance: { path: 'conformance', count: 1, tolerances: { absolute: 1e-3, relative: 1e21 } },
  limits: { memoryBytes: 1, loadMs: 1, inferMs: 1 },
  lineage: { b: 0.1, a: 1 },
};

it('writes the same bytes whatever the order of keys, as RFC 8785 says', () => {
  const reordered = Object.fromEntries(Object.entries(manifest).toReversed()) as unknown as Manifest;
  const text = new TextDecoder().decode(manifestBytes(manifest));
  expect(manifestBytes(reordered)).toEqual(manifestBytes(manifest));
  expect(text).toContain('"lineage":{"a":1,"b":0.1}');
  expect(text).toContain('"tolerances":{"absolute":0.001,"relative":1e+21}');
  expect(readManifest(manifestBytes(manifest))).toEqual(manifest);
});

it('writes nothing that would be refused when read', () => {
  const invalid = expect.objectContaining({ code: 'MANIFEST_INVALID' });
  expect(() => manifestBytes({ ...manifest, files: [] })).toThrow(invalid);
  expect(() => manifestBytes({ ...manifest, lineage: { accuracy: Number.NaN } })).toThrow(invalid);
});

it('refuses steps it does not know, fields of theirs it does not know, and tensors that are not there', () => {
  const refused = (over: object, at: string): void =>
    expect(() => readManifest(new TextEncoder().encode(JSON.stringify({ ...manifest, ...over })))).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID', at: expect.stringContaining(at) }),
    );
  refused({ pre: [{ op: 'sharpen', input: 'x' }] }, '/pre/0');
  refused({ pre: [{ op: 'cast', input: 'x', to: 'FP32', rounding: 'up' }] }, '/pre/0');
  refused({ pre: [{ op: 'cast', input: 'z', to: 'FP32' }] }, '/pre/0');
  refused({ post: [{ op: 'topK', output: 'y', k: 1, indices: 'class' }] }, '/post/0');
});

it('refuses a schema of a feature that no request could be checked by', () => {
  const feature = { name: 'a', input: 'x', kind: 'numeric', index: 0 } as const;
  const read = (expected: object, more: object = {}) =>
    readManifest(manifestBytes({ ...manifest, features: [{ ...feature, ...more, expect: expected }] }));
  expect(read({ min: 0, missing: 0.1 }).features[0]?.expect).toEqual({ min: 0, missing: 0.1 });
  for (const [expected, more] of [
    [{ min: 1, max: 0 }],
    [{ values: [1], max: 0 }],
    [{ missing: 0 }, { kind: 'image' }],
    [{ min: 0 }, { input: 'other' }],
    [{ onViolation: 'refuse' }],
  ] as const) {
    expect(() => read(expected, more)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  }
});
