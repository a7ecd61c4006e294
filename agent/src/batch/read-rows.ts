import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { CodedError } from '@ringfleet/shared/errors';
import { ELEMENT_BYTES, numbersOf } from '@ringfleet/shared/v2';
import { parse } from 'csv-parse';
import { readNpyHeader } from './npy.ts';

/** What one line or element of the input gives for each input of the model. */
export type Row = Readonly<Record<string, unknown>>;

/** What V2 metadata says of an input; -1 for an axis that is free. */
export interface InputMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

const NPY_READ_BYTES = 4 * 1024 * 1024;

/** Rows of a .csv, .jsonl or .npy file, one after the other, whatever its size. Throws SCORE_INPUT_INVALID. */
export function readRows(path: string, inputs: readonly InputMetadata[]): AsyncGenerator<Row> {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return csvRows(path, inputs);
    case '.jsonl':
      return jsonRows(path, inputs);
    case '.npy':
      return npyRows(path, inputs);
    default:
      throw new CodedError('SCORE_INPUT_INVALID', `${path} is neither .csv, .jsonl nor .npy`);
  }
}

/**
 * A column named as an input is its number or text; columns `input.0`, `input.1` … are its numbers in order. A model of
 * one input takes all columns where no name matches.
 */
async function* csvRows(path: string, inputs: readonly InputMetadata[]): AsyncGenerator<Row> {
  const parser = createReadStream(path).pipe(parse({ bom: true, skip_empty_lines: true, columns: false }));
  let places: ReadonlyMap<string, readonly number[]> | undefined;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (places === undefined) {
        places = columnsOf(record, inputs);
        continue;
      }
      yield Object.fromEntries(
        inputs.map(({ name, datatype }) => {
          const cells = (places?.get(name) ?? []).map((i) => (record[i] ?? '').trim());
          return [name, datatype === 'BYTES' ? cells : cells.map(numberOf)];
        }),
      );
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('SCORE_INPUT_INVALID', `${path}: ${why}`, { cause });
  }
}

function columnsOf(header: readonly string[], inputs: readonly InputMetadata[]): Map<string, number[]> {
  const names = header.map((name) => name.trim());
  const found = new Map(
    inputs.map(({ name }): [string, number[]] => {
      const own = names.indexOf(name);
      if (own >= 0) return [name, [own]];
      const numbered: number[] = [];
      for (let i = names.indexOf(`${name}.0`); i >= 0; i = names.indexOf(`${name}.${numbered.length}`))
        numbered.push(i);
      return [name, numbered];
    }),
  );
  const [only] = inputs;
  if (inputs.length === 1 && only && found.get(only.name)?.length === 0)
    found.set(only.name, [...names.keys()]);
  const missing = inputs.find(({ name }) => found.get(name)?.length === 0);
  if (missing)
    throw new CodedError('SCORE_INPUT_INVALID', `there is no column ${missing.name} or ${missing.name}.0`);
  return found;
}

/** Nothing is a missing number; text that is no number stays text: the row is refused, not the file. */
const numberOf = (text: string): unknown => {
  if (text === '') return null;
  return Number.isFinite(Number(text)) ? Number(text) : text;
};

/** An object with a member per input, or the value alone where there is one input. */
async function* jsonRows(path: string, inputs: readonly InputMetadata[]): AsyncGenerator<Row> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new CodedError('SCORE_INPUT_INVALID', `${path}, line ${line} is not JSON`, { cause });
    }
    const [only] = inputs;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    yield isObject || !only ? (value as Row) : { [only.name]: value };
  }
}

/** Rows along the first axis, for a model of one input. */
async function* npyRows(path: string, inputs: readonly InputMetadata[]): AsyncGenerator<Row> {
  const [only] = inputs;
  if (inputs.length !== 1 || !only)
    throw new CodedError('SCORE_INPUT_INVALID', 'a .npy file feeds a model of one input only');
  const file = await open(path);
  try {
    const { datatype, shape, dataStart } = await readNpyHeader(file);
    const [rows = 0, ...rest] = shape;
    const perRow = rest.reduce((all, axis) => all * axis, 1);
    const rowBytes = perRow * ELEMENT_BYTES[datatype];
    const atOnce = Math.max(1, Math.floor(NPY_READ_BYTES / Math.max(1, rowBytes)));
    for (let first = 0; first < rows; first += atOnce) {
      const count = Math.min(atOnce, rows - first);
      const data = Buffer.alloc(count * rowBytes);
      const { bytesRead } = await file.read(data, 0, data.length, dataStart + first * rowBytes);
      if (bytesRead < data.length) throw new CodedError('SCORE_INPUT_INVALID', `${path} ends too early`);
      const values = numbersOf({ name: only.name, datatype, shape: [count * perRow], data });
      for (let i = 0; i < count; i++)
        yield { [only.name]: Array.from({ length: perRow }, (_, k) => values[i * perRow + k]) };
    }
  } finally {
    await file.close();
  }
}
