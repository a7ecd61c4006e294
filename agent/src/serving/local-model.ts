import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { type Manifest, readManifest } from '@ringfleet/shared/release';
import type { RunnerSpec } from '../ports/runtime.ts';
import type { ModelSignature } from '../runner/messages.ts';

const LIMITS: Manifest['limits'] = { memoryBytes: 4 * 1024 ** 3, loadMs: 120_000, inferMs: 60_000 };

/**
 * What to serve for a path a person names: a built release (its folder or manifest.json), or a bare model file, whose
 * signature `readSignature` finds out. Throws MODEL_PATH_UNUSABLE, MANIFEST_INVALID.
 */
export async function localModel(
  path: string,
  readSignature: (file: string) => Promise<ModelSignature>,
): Promise<RunnerSpec> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new CodedError('MODEL_PATH_UNUSABLE', `${path} cannot be read`, { cause, at: path });
  });
  if (found.isDirectory()) return builtRelease(resolve(path));
  if (basename(path) === 'manifest.json') return builtRelease(resolve(dirname(path)));
  if (!path.endsWith('.onnx')) {
    throw new CodedError('MODEL_PATH_UNUSABLE', `${path} is neither a release nor an .onnx file`, {
      at: path,
    });
  }
  const file = resolve(path);
  const model = nameOf(basename(file).slice(0, -'.onnx'.length));
  return bareModel({ file, model, version: '0.0.0', sizeBytes: found.size }, await readSignature(file));
}

export interface BareModel {
  readonly file: string;
  readonly model: string;
  readonly version: string;
  readonly sizeBytes: number;
}

async function builtRelease(slotDir: string): Promise<RunnerSpec> {
  const bytes = await readFile(join(slotDir, 'manifest.json')).catch((cause: unknown) => {
    throw new CodedError('MODEL_PATH_UNUSABLE', `${slotDir} holds no manifest.json`, { cause, at: slotDir });
  });
  const manifest = readManifest(bytes);
  const variant =
    manifest.variants.find((candidate) => candidate.constraints.providers.includes('cpu')) ??
    manifest.variants[0];
  const { model, version } = manifest;
  return { model, version, digest: digestOf(bytes), variant: variant?.name ?? '', slotDir, manifest };
}

/** A model file as a release of which nothing is known but its signature. */
export function bareModel(
  { file, model, version, sizeBytes }: BareModel,
  signature: ModelSignature,
): RunnerSpec {
  const entry = basename(file);
  const manifest: Manifest = {
    schema: 'ringfleet/manifest/1',
    model,
    version,
    createdAt: '1970-01-01T00:00:00.000Z',
    description: 'a model file without a release',
    license: 'unknown',
    files: [{ path: entry, sizeBytes, sha256: `sha256:${'0'.repeat(64)}` }],
    variants: [
      {
        name: 'file',
        entry,
        files: [entry],
        constraints: { providers: ['cpu'] },
        session: {},
        isProven: false,
      },
    ],
    inputs: [...signature.inputs],
    outputs: [...signature.outputs],
    pre: [],
    post: [],
    features: [],
    conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
    limits: LIMITS,
    lineage: {},
  };
  const digest = digestOf(Buffer.from(file));
  return { model, version, digest, variant: 'file', slotDir: dirname(file), manifest };
}

/** The name of a file or folder as a model name: a DNS label. */
export function nameOf(name: string): string {
  const label = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return label || 'model';
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
