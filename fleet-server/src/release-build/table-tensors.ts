import { CodedError } from '@ringfleet/shared/errors';
import type { TensorSpec } from '@ringfleet/shared/release';
import { type Tensor, tensorOf } from '@ringfleet/shared/v2';
import type { Table } from './csv-table.ts';

/** Rows `start` to `start + count` of a table as the model's inputs. Several rows need a model that takes batches. */
export function inputTensors(
  specs: readonly TensorSpec[],
  table: Table,
  start: number,
  count: number,
): Tensor[] {
  return specs.map((spec) => {
    const values = table.inputs.get(spec.name) ?? new Float64Array();
    const width = values.length / table.rows;
    const slice = values.subarray(start * width, (start + count) * width);
    const shape = spec.axes.map((axis, i) => (i === 0 && axis.min !== axis.max ? count : axis.max));
    return tensorOf(spec.name, spec.datatype, shape, slice);
  });
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
