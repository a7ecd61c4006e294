import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import { decodeInferRequest, type InferRequest, unpackSample } from '@ringfleet/shared/v2';

const MAX_SAMPLE_BYTES = 32 * 1024 * 1024;

/** A sample file of a verified slot; `name` has no ending. */
export interface SampleFile {
  readonly name: string;
  readonly path: string;
}

/** The `NNN.req` files below a folder of the release, in order. Throws SAMPLE_INVALID unless there are `count`. */
export function sampleFiles(manifest: Manifest, folder: string, count: number): SampleFile[] {
  const found = manifest.files
    .map((file) => file.path)
    .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.req'))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  if (found.length !== count) {
    throw new CodedError(
      'SAMPLE_INVALID',
      `${folder} holds ${found.length} samples, the manifest says ${count}`,
    );
  }
  return found.map((path) => ({ name: path.slice(folder.length + 1, -4), path }));
}

export async function readSample(
  slotDir: string,
  path: string,
): Promise<{ headerBytes: number; body: Uint8Array }> {
  const bytes = await readFile(join(slotDir, path)).catch((cause: unknown) => {
    throw new CodedError('SAMPLE_INVALID', `${path} cannot be read`, { cause });
  });
  if (bytes.length > MAX_SAMPLE_BYTES)
    throw new CodedError('SAMPLE_INVALID', `${path} is larger than 32 MiB`);
  return unpackSample(bytes);
}

export async function readRequest(slotDir: string, path: string): Promise<InferRequest> {
  const { body, headerBytes } = await readSample(slotDir, path);
  try {
    return decodeInferRequest(body, headerBytes);
  } catch (cause) {
    throw new CodedError('SAMPLE_INVALID', `${path}: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}
