import { CodedError } from '@ringfleet/shared/errors';
import { readDegraded, type Tensor } from '@ringfleet/shared/v2';
import { encodeRows, takesBatches } from './encode-rows.ts';
import type { OutputFile } from './output-file.ts';
import type { InputMetadata, Row } from './read-rows.ts';
import { type RowResult, splitRows, withDegraded } from './row-results.ts';

/** The outputs to some rows, and which of these broke their feature's schema. */
export interface Answered {
  readonly outputs: readonly Tensor[];
  readonly degraded?: string;
}

export interface ScoreJob {
  readonly rows: AsyncIterable<Row>;
  readonly inputs: readonly InputMetadata[];
  readonly output: OutputFile;
  /** Most rows of one request. */
  readonly batch: number;
  ask(inputs: readonly Tensor[]): Promise<Answered>;
  /** Waits before the next try. */
  pause(tries: number): Promise<void>;
  progress(done: number): void;
}

export interface Scored {
  readonly rows: number;
  readonly failed: number;
  /** Rows that an earlier run had already scored. */
  readonly resumed: number;
}

const MAX_TRIES = 8;
const FOR_NOW: readonly string[] = ['QUEUE_FULL', 'MODEL_EMPTY', 'RUNNER_GONE', 'DEADLINE_EXCEEDED'];
const OF_THE_ROW: readonly string[] = [
  'REQUEST_INVALID',
  'SHAPE_MISMATCH',
  'NON_FINITE_INPUT',
  'FEATURE_MISSING',
  'FEATURE_OUT_OF_RANGE',
  'FEATURE_UNKNOWN_CATEGORY',
  'FEATURE_WRONG_TYPE',
  'INPUT_UNANSWERABLE',
  'REQUEST_TOO_LARGE',
  'INFER_FAILED',
  'NON_FINITE_OUTPUT',
];

/** Asks for every row that the output does not hold yet, in order. A row that cannot be answered is written as an error. */
export async function score(job: ScoreJob): Promise<Scored> {
  const resumed = job.output.done;
  let most = takesBatches(job.inputs) ? job.batch : 1;
  let rows = 0;
  let failed = 0;
  let waiting: Row[] = [];

  const halves = async (first: number, some: readonly Row[]): Promise<RowResult[]> => {
    const half = Math.ceil(some.length / 2);
    const left = await answer(first, some.slice(0, half));
    return [...left, ...(await answer(first + half, some.slice(half)))];
  };
  const answer = async (first: number, some: readonly Row[]): Promise<RowResult[]> => {
    try {
      const { outputs, degraded = '' } = await patient(job, encodeRows(job.inputs, some));
      const { values, isComplete } = readDegraded(degraded);
      // So many that the answer could not name them all.
      if (!isComplete && some.length > 1) return await halves(first, some);
      return withDegraded(splitRows(outputs, first, some.length), values);
    } catch (err) {
      if (!(err instanceof CodedError) || !OF_THE_ROW.includes(err.code)) throw err;
      if (some.length === 1) return [{ row: first, error: `${err.code}: ${err.message}` }];
      // Either one row is bad or the model takes smaller batches: halves find out which.
      if (err.code === 'SHAPE_MISMATCH') most = Math.min(most, Math.ceil(some.length / 2));
      return halves(first, some);
    }
  };
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const results = await answer(rows - waiting.length, waiting);
    failed += results.filter((result) => 'error' in result).length;
    await job.output.append(results);
    waiting = [];
    job.progress(rows);
  };

  for await (const row of job.rows) {
    rows += 1;
    if (rows <= resumed) continue;
    waiting.push(row);
    if (waiting.length >= most) await flush();
  }
  await flush();
  if (resumed > rows)
    throw new CodedError('SCORE_INPUT_INVALID', `the output has ${resumed} rows, the input only ${rows}`);
  return { rows, failed, resumed };
}

async function patient(job: ScoreJob, inputs: readonly Tensor[]): Promise<Answered> {
  for (let tries = 1; ; tries++) {
    try {
      return await job.ask(inputs);
    } catch (err) {
      if (!(err instanceof CodedError) || !FOR_NOW.includes(err.code) || tries >= MAX_TRIES) throw err;
      await job.pause(tries);
    }
  }
}
