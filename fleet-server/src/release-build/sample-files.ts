import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeInferRequest, encodeInferResponse, packSample, type Tensor } from '@ringfleet/shared/v2';
import type { ModelSession } from '../adapters/model-session.ts';
import type { Table } from './csv-table.ts';
import { type Batch, runRows } from './evaluate.ts';
import type { IoSignature } from './io-signature.ts';
import { inputTensors } from './table-tensors.ts';

const SINGLE_SAMPLES = 16;

/**
 * Records conformance samples: 16 rows spread over the table, each alone, and one full batch where the model takes
 * batches. Returns how many there are.
 */
export async function writeConformance(
  folder: string,
  release: { readonly model: string; readonly version: string },
  session: ModelSession,
  io: IoSignature,
  table: Table,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const picks = Array.from({ length: SINGLE_SAMPLES }, (_, i) => ({
    start: Math.floor((i * table.rows) / SINGLE_SAMPLES),
    count: 1,
  }));
  const all = io.batch > 1 ? [...picks, { start: 0, count: Math.min(io.batch, table.rows) }] : picks;
  for (const [i, { start, count }] of all.entries()) {
    const batch = await runRows(session, io, table, start, count);
    await writeFile(join(folder, `${number(i)}.req`), requestBytes(batch.inputs));
    await writeFile(join(folder, `${number(i)}.res`), responseBytes(release, batch));
  }
  return all.length;
}

/** Writes the acceptance set, in batches, with its labels. Returns the number of requests. */
export async function writeAcceptance(
  folder: string,
  io: IoSignature,
  table: Table,
  labels: readonly number[],
): Promise<number> {
  await mkdir(folder, { recursive: true });
  let count = 0;
  for (let start = 0; start < table.rows; start += io.batch) {
    const inputs = inputTensors(io.inputs, table, start, Math.min(io.batch, table.rows - start));
    await writeFile(join(folder, `${number(count++)}.req`), requestBytes(inputs));
  }
  await writeFile(join(folder, 'acceptance.json'), `${JSON.stringify({ labels })}\n`);
  return count;
}

const number = (i: number): string => String(i).padStart(3, '0');

function requestBytes(inputs: readonly Tensor[]): Uint8Array {
  const { body, headerBytes } = encodeInferRequest({ inputs }, { binary: true });
  return packSample(headerBytes ?? body.length, body);
}

function responseBytes(
  release: { readonly model: string; readonly version: string },
  batch: Batch,
): Uint8Array {
  const { body, headerBytes } = encodeInferResponse(
    { modelName: release.model, modelVersion: release.version, outputs: batch.outputs },
    () => true,
  );
  return packSample(headerBytes ?? body.length, body);
}
