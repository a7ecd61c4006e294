import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '@ringfleet/shared/release';
import { buildFeatureProfile } from '@ringfleet/shared/stats';
import {
  encodeInferRequest,
  encodeInferResponse,
  packSample,
  type Tensor,
  tensorOf,
} from '@ringfleet/shared/v2';
import type { RunnerSpec } from '../ports/runtime.ts';

export interface TinySlotOptions {
  readonly slotDir: string;
  readonly version?: string;
  /** A file of test/fixtures, or any other path; copied as the variant's entry. */
  readonly onnx?: string;
  readonly inferMs?: number;
  readonly loadMs?: number;
  readonly providers?: readonly string[];
  /** Edits the manifest before it is written down. */
  readonly change?: (manifest: Manifest) => Manifest;
}

/** Rows of which the largest of the first three numbers names the class. */
export const TINY_ROWS = [
  [3, 1, 0, 7],
  [0, 2, 1, 7],
  [1, 0, 4, 7],
  [2, 3, 1, 0],
] as const;

export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));

export const tinyInput = (rows: readonly (readonly number[])[]): Tensor =>
  tensorOf('features', 'FP32', [rows.length, 4], rows.flat());

/** What the tiny model answers, worked out without it. */
export function tinyOutput(rows: readonly (readonly number[])[]): Tensor {
  const probabilities = rows.flatMap((row) => {
    const exp = row.slice(0, 3).map((x) => Math.exp(2 * x));
    return exp.map((value) => value / exp.reduce((sum, x) => sum + x, 0));
  });
  return tensorOf('probabilities', 'FP32', [rows.length, 3], probabilities);
}

/** Lays out a release of a tiny model as a verified slot, with samples of both kinds and a profile. */
export async function makeTinySlot(options: TinySlotOptions): Promise<RunnerSpec> {
  const { slotDir, version = '1.0.0', onnx = 'tiny.onnx', inferMs = 2_000, loadMs = 20_000 } = options;
  const paths: string[] = [];
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(slotDir, path)), { recursive: true });
    await writeFile(join(slotDir, path), bytes);
    paths.push(path);
  };
  await mkdir(slotDir, { recursive: true });
  await copyFile(onnx.includes('/') ? onnx : fixturePath(onnx), join(slotDir, 'model.onnx'));
  paths.push('model.onnx');
  for (const [i, row] of TINY_ROWS.entries()) {
    const number = String(i + 1).padStart(3, '0');
    const request = encodeInferRequest({ inputs: [tinyInput([row])] }, { binary: true });
    const response = { modelName: 'tiny', modelVersion: version, outputs: [tinyOutput([row])] };
    const expected = encodeInferResponse(response, () => true);
    await put(`conformance/${number}.req`, packSample(request.headerBytes ?? 0, request.body));
    await put(`conformance/${number}.res`, packSample(expected.headerBytes ?? 0, expected.body));
    await put(`acceptance/${number}.req`, packSample(request.headerBytes ?? 0, request.body));
  }
  await put('acceptance/acceptance.json', Buffer.from(JSON.stringify({ labels: [0, 1, 2, 1] })));
  const files = await Promise.all(paths.map((path) => describeFile(slotDir, path)));
  const { change = (same) => same } = options;
  const manifest = change(manifestOf(version, files, inferMs, loadMs, options.providers ?? ['cpu']));
  const digest = `sha256:${sha256(Buffer.from(JSON.stringify(manifest)))}`;
  return { model: 'tiny', version, digest, variant: 'int8-cpu', slotDir, manifest };
}

function manifestOf(
  version: string,
  files: Manifest['files'],
  inferMs: number,
  loadMs: number,
  providers: readonly string[],
): Manifest {
  const batch = { name: 'batch', min: 1, max: 64 };
  return {
    schema: 'ringfleet/manifest/1',
    model: 'tiny',
    version,
    createdAt: '2026-01-01T00:00:00.000Z',
    description: 'names the largest of three numbers',
    license: 'Apache-2.0',
    files,
    variants: [
      {
        name: 'int8-cpu',
        entry: 'model.onnx',
        files: ['model.onnx'],
        constraints: { providers: [...providers] },
        session: {},
        isProven: true,
      },
    ],
    inputs: [{ name: 'features', datatype: 'FP32', axes: [batch, { min: 4, max: 4 }] }],
    outputs: [{ name: 'probabilities', datatype: 'FP32', axes: [batch, { min: 3, max: 3 }] }],
    pre: [],
    post: [],
    labels: { output: 'probabilities', names: ['first', 'second', 'third'] },
    features: [{ name: 'speed', input: 'features', kind: 'numeric', index: 0 }],
    profile: {
      samples: TINY_ROWS.length,
      features: [
        buildFeatureProfile(
          'speed',
          TINY_ROWS.map((row) => row[0]),
        ),
      ],
      classes: [1, 2, 1],
    },
    conformance: {
      path: 'conformance',
      count: TINY_ROWS.length,
      tolerances: { absolute: 0.01, relative: 0 },
    },
    acceptance: { path: 'acceptance', count: TINY_ROWS.length, metric: 'accuracy', minimum: 0.9 },
    limits: { memoryBytes: 256 * 1024 * 1024, loadMs, inferMs },
    lineage: {},
  };
}

async function describeFile(slotDir: string, path: string): Promise<Manifest['files'][number]> {
  const bytes = await readFile(join(slotDir, path));
  const { size } = await stat(join(slotDir, path));
  return { path, sizeBytes: size, sha256: `sha256:${sha256(bytes)}` };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
