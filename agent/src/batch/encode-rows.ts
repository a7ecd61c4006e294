import { CodedError } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';
import { packStrings, type Tensor, tensorOf } from '@ringfleet/shared/v2';
import type { InputMetadata, Row } from './read-rows.ts';

/** Whether every input has a free first axis: then rows go together. */
export const takesBatches = (inputs: readonly InputMetadata[]): boolean =>
  inputs.every((input) => input.shape[0] === -1);

/** Rows as one request's inputs. Throws REQUEST_INVALID for a row that does not fit the input. */
export function encodeRows(inputs: readonly InputMetadata[], rows: readonly Row[]): Tensor[] {
  const isBatched = takesBatches(inputs);
  return inputs.map(({ name, datatype, shape }) => {
    const cells = rows.map((row) => flatten(row[name]));
    const perRow = cells[0]?.length ?? 0;
    const bad = cells.find((cell) => cell.length !== perRow || perRow === 0);
    if (bad) throw new CodedError('REQUEST_INVALID', `${name}: the row has ${bad.length} values`);
    const axes = axesOf(name, isBatched ? shape.slice(1) : shape, perRow);
    const full = isBatched ? [rows.length, ...axes] : axes;
    const values = cells.flat();
    if (datatype === 'BYTES') return { name, datatype, shape: full, data: packStrings(values.map(String)) };
    const numbers = values.map((value) => {
      if (typeof value === 'number') return value;
      if (typeof value === 'boolean') return Number(value);
      // A missing number; whether the release bears one is the runner's to say.
      if (value === null && datatype.startsWith('FP')) return Number.NaN;
      throw new CodedError('REQUEST_INVALID', `${name}: ${JSON.stringify(value)} is not a number`);
    });
    const isInteger = !datatype.startsWith('FP');
    const odd = isInteger && numbers.find((value) => !Number.isInteger(value));
    if (odd) throw new CodedError('REQUEST_INVALID', `${name}: ${odd} is no ${datatype}`);
    return tensorOf(name, datatype as Datatype, full, numbers);
  });
}

/** Fixed axes as they are; one free axis takes what is left. */
function axesOf(name: string, shape: readonly number[], elements: number): number[] {
  const known = shape.reduce((all, axis) => (axis > 0 ? all * axis : all), 1);
  let rest = elements / known;
  const axes = shape.map((axis) => {
    if (axis >= 0) return axis;
    const length = rest;
    rest = 1;
    return length;
  });
  if (rest !== 1 || axes.some((axis) => !Number.isInteger(axis)))
    throw new CodedError(
      'REQUEST_INVALID',
      `${name}: the row has ${elements} values for [${shape.join(', ')}]`,
    );
  return axes;
}

const flatten = (value: unknown): unknown[] =>
  Array.isArray(value) ? value.flat(8) : value === undefined ? [] : [value];
