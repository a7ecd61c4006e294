import { CodedError } from '@ringfleet/shared/errors';
import { type Prediction, predictionsOf } from '@ringfleet/shared/stats';
import { applyPost, applyPre } from '@ringfleet/shared/steps';
import { isFiniteTensor, numbersOf, type Tensor } from '@ringfleet/shared/v2';
import type { ModelSession } from '../adapters/model-session.ts';
import type { Table } from './csv-table.ts';
import type { IoSignature } from './io-signature.ts';
import type { ReleaseSource } from './release-source.ts';
import { inputTensors } from './table-tensors.ts';

/** One run of the model on rows of a table. */
export interface Batch {
  /** First row and number of rows. */
  readonly start: number;
  readonly count: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The model's own, before the steps: classes are read from these, as on the device. */
  readonly raw: readonly Tensor[];
}

/** Runs the model over a whole table in batches. Throws what `ModelSession.run` throws, and NON_FINITE_OUTPUT. */
export async function* runTable(session: ModelSession, io: IoSignature, table: Table): AsyncGenerator<Batch> {
  for (let start = 0; start < table.rows; start += io.batch) {
    const count = Math.min(io.batch, table.rows - start);
    yield await runRows(session, io, table, start, count);
  }
}

/** Runs the model once on some rows of a table. */
export async function runRows(
  session: ModelSession,
  io: IoSignature,
  table: Table,
  start: number,
  count: number,
): Promise<Batch> {
  const inputs = inputTensors(io.inputs, table, start, count);
  const raw = await session.run(applyPre(io.pre, inputs));
  const wrong = raw.find((output) => !isFiniteTensor(output));
  if (wrong)
    throw new CodedError(
      'NON_FINITE_OUTPUT',
      `output ${wrong.name} holds NaN or infinity at row ${start + 1}`,
    );
  return { start, count, inputs, raw, outputs: applyPost(io.post, raw) };
}

/** The predicted class per row of a batch. */
export function predictedClasses(labels: NonNullable<ReleaseSource['labels']>, batch: Batch): Prediction[] {
  const scores = batch.raw.find((output) => output.name === labels.output);
  const predictions = scores ? predictionsOf(numbersOf(scores), labels.names.length) : [];
  if (predictions.length === batch.count) return predictions;
  throw new CodedError(
    'RELEASE_SOURCE_INVALID',
    `labels.output: ${labels.output} gives ${predictions.length} predictions for ${batch.count} samples`,
    { at: 'labels.output' },
  );
}

/** Predicted class indexes over a whole table. */
export async function predictTable(
  session: ModelSession,
  io: IoSignature,
  table: Table,
  labels: NonNullable<ReleaseSource['labels']>,
): Promise<number[]> {
  const predicted: number[] = [];
  for await (const batch of runTable(session, io, table)) {
    predicted.push(...predictedClasses(labels, batch).map((prediction) => prediction.index));
  }
  return predicted;
}

/** Share of equal entries, to four digits: what lineage shows and the minimum is compared with exactly is `right / n`. */
export function shareEqual(a: readonly number[], b: readonly number[]): { right: number; share: number } {
  const right = a.filter((value, i) => value === b[i]).length;
  return { right, share: right / a.length };
}
