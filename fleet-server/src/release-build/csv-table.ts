import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { CsvError, parse } from 'csv-parse';

/** Rows of a CSV file: the samples of each input, row by row, and the label's text per row. */
export interface Table {
  readonly rows: number;
  /** Per input: `rows` times as many numbers as it has columns. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** The same for inputs of text. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly labels: readonly string[];
}

const MAX_NUMBERS = 64 * 1024 * 1024;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Reads the named columns; those of `textInputs` as they are. `label` is null when none is wanted. Throws RELEASE_SOURCE_INVALID naming file, line and
 * column for anything that is not a complete table of numbers.
 */
export async function readTable(
  file: string,
  inputs: Readonly<Record<string, readonly string[]>>,
  label: string | null,
  textInputs: ReadonlySet<string> = new Set(),
): Promise<Table> {
  const name = basename(file);
  const columns = new ColumnPicker(name, inputs, label, textInputs);
  const parser = parse({ bom: true, info: true, skip_empty_lines: true, max_record_size: 1024 * 1024 });
  try {
    await pipeline(createReadStream(file), parser, async (records) => {
      for await (const { record, info } of records as AsyncIterable<{
        record: string[];
        info: { lines: number };
      }>) {
        columns.take(record, info.lines);
      }
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : 0;
    throw new CodedError('RELEASE_SOURCE_INVALID', `${name}, line ${line}: ${cause.message}`, {
      cause,
      at: `${name}:${line}`,
    });
  }
  return columns.table();
}

class ColumnPicker {
  readonly #file: string;
  readonly #wanted: readonly {
    readonly input: string;
    readonly columns: readonly string[];
    readonly values: number[];
    /** Instead of values, for an input of text. */
    readonly texts: string[] | null;
  }[];
  readonly #label: string | null;
  readonly #labels: string[] = [];
  #header: ReadonlyMap<string, number> | null = null;
  #rows = 0;

  constructor(
    file: string,
    inputs: Readonly<Record<string, readonly string[]>>,
    label: string | null,
    textInputs: ReadonlySet<string>,
  ) {
    this.#file = file;
    this.#wanted = Object.entries(inputs).map(([input, columns]) => ({
      input,
      columns,
      values: [],
      texts: textInputs.has(input) ? [] : null,
    }));
    this.#label = label;
  }

  take(record: readonly string[], line: number): void {
    if (this.#header === null) {
      this.#header = this.#readHeader(record);
      return;
    }
    this.#rows++;
    for (const { columns, values, texts } of this.#wanted) {
      if ((texts ?? values).length + columns.length > MAX_NUMBERS)
        throw this.#invalid(line, 'the table is too large');
      if (texts) for (const column of columns) texts.push(this.#cell(record, column));
      else for (const column of columns) values.push(this.#number(record, column, line));
    }
    if (this.#label !== null) this.#labels.push(this.#cell(record, this.#label));
  }

  table(): Table {
    if (this.#rows === 0) throw this.#invalid(1, 'the table has no rows');
    const inputs = new Map<string, Float64Array>();
    const texts = new Map<string, readonly string[]>();
    for (const wanted of this.#wanted) {
      if (wanted.texts) texts.set(wanted.input, wanted.texts);
      else inputs.set(wanted.input, Float64Array.from(wanted.values));
    }
    return { rows: this.#rows, inputs, texts, labels: this.#labels };
  }

  #readHeader(record: readonly string[]): ReadonlyMap<string, number> {
    const header = new Map(record.map((column, i) => [column, i]));
    if (header.size !== record.length) throw this.#invalid(1, 'two columns have the same name');
    const wanted = this.#wanted.flatMap(({ columns }) => columns);
    for (const column of this.#label === null ? wanted : [...wanted, this.#label]) {
      if (!header.has(column)) throw this.#invalid(1, `there is no column ${column}`);
    }
    return header;
  }

  #number(record: readonly string[], column: string, line: number): number {
    const text = this.#cell(record, column);
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value))
      throw this.#invalid(line, `${column} is ${JSON.stringify(text)}, not a number`);
    return value;
  }

  #cell(record: readonly string[], column: string): string {
    return (record[this.#header?.get(column) ?? -1] ?? '').trim();
  }

  #invalid(line: number, what: string): CodedError {
    return new CodedError('RELEASE_SOURCE_INVALID', `${this.#file}, line ${line}: ${what}`, {
      at: `${this.#file}:${line}`,
    });
  }
}
