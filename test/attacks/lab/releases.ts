import { createHash } from 'node:crypto';
import type { Manifest } from '@ringfleet/shared/release';

export interface Blob {
  readonly bytes: Buffer;
  /** Bare hex. */
  readonly sha256: string;
}

export interface ReleaseFiles {
  readonly releaseCounter: number;
  readonly manifest: Blob;
  readonly weights: Blob;
}

export const blobOf = (bytes: Buffer): Blob => ({
  bytes,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

const SAMPLE = blobOf(Buffer.from('sample'));

/** A release of `tiny` with weights of its own; `change` makes its manifest another one. */
export function makeRelease(
  version: string,
  releaseCounter: number,
  change: (manifest: Manifest) => object = (manifest) => manifest,
): ReleaseFiles {
  const weights = blobOf(Buffer.from(`weights of ${version} ${'x'.repeat(5_000)}`));
  const manifest: Manifest = {
    ...MANIFEST,
    version,
    files: [
      { path: 'model.onnx', sha256: `sha256:${weights.sha256}`, sizeBytes: weights.bytes.length },
      { path: 'conformance/000.req', sha256: `sha256:${SAMPLE.sha256}`, sizeBytes: SAMPLE.bytes.length },
    ],
  };
  return { releaseCounter, manifest: blobOf(Buffer.from(JSON.stringify(change(manifest)))), weights };
}

export const filesOfRelease = ({ manifest, weights }: ReleaseFiles): readonly Blob[] => [
  manifest,
  weights,
  SAMPLE,
];

const MANIFEST: Manifest = {
  schema: 'ringfleet/manifest/1',
  model: 'tiny',
  version: '1.0.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  description: '',
  license: '',
  files: [],
  variants: [
    {
      name: 'cpu',
      entry: 'model.onnx',
      files: ['model.onnx'],
      constraints: { providers: ['cpu'] },
      session: {},
      isProven: true,
    },
  ],
  inputs: [{ name: 'x', datatype: 'FP32', axes: [] }],
  outputs: [{ name: 'y', datatype: 'FP32', axes: [] }],
  pre: [],
  post: [],
  features: [],
  conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
  acceptance: { path: 'conformance', count: 1, metric: 'accuracy', minimum: 0.9 },
  limits: { memoryBytes: 1, loadMs: 1000, inferMs: 1000 },
  lineage: {},
};

/** Everything the publisher of `tiny` signed, by version. */
export const RELEASES: Readonly<Record<string, ReleaseFiles>> = {
  '0.9.0': makeRelease('0.9.0', 1),
  '1.0.0': makeRelease('1.0.0', 2),
  '1.0.5': makeRelease('1.0.5', 3),
  '1.1.0': makeRelease('1.1.0', 4),
};
