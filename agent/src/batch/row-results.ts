import { type DegradedValue, numbersOf, type Tensor, textOf, unpackStrings } from '@ringfleet/shared/v2';

/** What came of one row. */
export type RowResult =
  | {
      readonly row: number;
      readonly outputs: Readonly<Record<string, unknown>>;
      /** Which features of the row broke their schema, and how. */
      readonly degraded?: readonly { readonly feature: string; readonly reason: string }[];
    }
  | { readonly row: number; readonly error: string };

/** The answer to `count` rows, row by row; outputs without a row each are repeated. Floats as their datatype holds them. */
export function splitRows(outputs: readonly Tensor[], firstRow: number, count: number): RowResult[] {
  const flat = outputs.map((output) => ({
    name: output.name,
    values: valuesOf(output),
    shape: output.shape,
  }));
  return Array.from({ length: count }, (_, i) => ({
    row: firstRow + i,
    outputs: Object.fromEntries(
      flat.map(({ name, values, shape }) => {
        if (shape[0] !== count && count > 1) return [name, values];
        const size = values.length / count;
        return [name, size === 1 ? values[i] : values.slice(i * size, (i + 1) * size)];
      }),
    ),
  }));
}

/** Marks rows by what an answer says of them; its rows count from the first result. */
export function withDegraded(results: readonly RowResult[], values: readonly DegradedValue[]): RowResult[] {
  return results.map((result, i) => {
    const degraded = values
      .filter(({ row }) => row === i)
      .map(({ feature, reason }) => ({ feature, reason }));
    return degraded.length > 0 && 'outputs' in result ? { ...result, degraded } : result;
  });
}

export const jsonRowsOf = (results: readonly RowResult[]): string =>
  results.map((result) => `${JSON.stringify(result)}\n`).join('');

function valuesOf(tensor: Tensor): unknown[] {
  if (tensor.datatype === 'BYTES') {
    const count = tensor.shape.reduce((all, axis) => all * axis, 1);
    return unpackStrings(tensor.data, count).map(textOf);
  }
  const values = Array.from(numbersOf(tensor));
  if (tensor.datatype === 'BOOL') return values.map((value) => value !== 0);
  return values;
}
