import { CodedError } from '@ringfleet/shared/errors';
import type { TensorSpec } from '@ringfleet/shared/release';
import { ELEMENT_BYTES, numbersOf, packStrings, type Tensor, tensorOf } from '@ringfleet/shared/v2';
import type { Table } from './csv-table.ts';

/**
 * Rows `start` to `start + count` of a table as the model's inputs. Several rows need a model that takes batches. Throws
 * RELEASE_SOURCE_INVALID for a number that the input's datatype cannot hold.
 */
export function inputTensors(
  specs: readonly TensorSpec[],
  table: Table,
  start: number,
  count: number,
): Tensor[] {
  return specs.map((spec) => {
    const shape = spec.axes.map((axis, i) => (i === 0 && axis.min !== axis.max ? count : axis.max));
    if (spec.datatype === 'BYTES') {
      const texts = table.texts.get(spec.name) ?? [];
      const width = texts.length / table.rows;
      const data = packStrings(texts.slice(start * width, (start + count) * width));
      return { name: spec.name, datatype: 'BYTES', shape, data };
    }
    const values = table.inputs.get(spec.name) ?? new Float64Array();
    const width = values.length / table.rows;
    return exactTensor(spec, shape, values.subarray(start * width, (start + count) * width), start, width);
  });
}

/** An integer or boolean must be the number of the table; floating point is rounded as the datatype rounds. */
function exactTensor(
  spec: TensorSpec,
  shape: readonly number[],
  values: Float64Array,
  start: number,
  width: number,
): Tensor {
  const { name, datatype } = spec;
  const isFloat = datatype.startsWith('FP');
  const wrong = (i: number): CodedError => {
    const what = `row ${start + Math.floor(i / width) + 1}: ${values[i]} is no ${datatype}, which input ${name} takes`;
    return new CodedError('RELEASE_SOURCE_INVALID', what, { at: name });
  };
  const isHeld = (value: number): boolean =>
    isFloat || (Number.isInteger(value) && (datatype !== 'BOOL' || value === 0 || value === 1));
  const odd = values.findIndex((value) => !isHeld(value));
  if (odd >= 0) throw wrong(odd);
  const tensor = tensorOf(name, datatype, shape, values);
  if (ELEMENT_BYTES[datatype] === 8) return tensor;
  const held = numbersOf(tensor);
  const cut = values.findIndex((value, i) => (isFloat ? !Number.isFinite(held[i]) : value !== held[i]));
  if (cut >= 0) throw wrong(cut);
  return tensor;
}

/** The class index of each row: a label is a class's name, or else its index. Throws RELEASE_SOURCE_INVALID. */
export function labelIndexes(file: string, labels: readonly string[], names: readonly string[]): number[] {
  return labels.map((label, row) => {
    const byName = names.indexOf(label);
    if (byName >= 0) return byName;
    if (/^\d+$/.test(label) && Number(label) < names.length) return Number(label);
    const at = `${file}, row ${row + 1}`;
    throw new CodedError('RELEASE_SOURCE_INVALID', `${at}: ${JSON.stringify(label)} is none of the labels`, {
      at,
    });
  });
}
