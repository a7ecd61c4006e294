import type { Static } from 'typebox';
import { CodedError } from '../errors/index.ts';
import type { Datatype } from '../release/datatype.ts';
import { numbersOf, packStrings, type Tensor, tensorOf } from '../v2/index.ts';
import type { Normalise } from './step-schemas.ts';

export function normalise(step: Static<typeof Normalise>, tensor: Tensor): Tensor {
  const { scale = 1, mean = [0], std = [1], axis = tensor.shape.length - 1 } = step;
  const values = numbersOf(tensor);
  const channels = tensor.shape[axis] ?? 1;
  const inner = product(tensor.shape.slice(axis + 1));
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    const shift = mean[mean.length === 1 ? 0 : channel] as number;
    const spread = std[std.length === 1 ? 0 : channel] as number;
    out[i] = ((values[i] as number) * scale - shift) / spread;
  }
  return tensorOf(tensor.name, 'FP32', tensor.shape, out);
}

const INTEGER_BOUNDS: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 0xff],
  UINT16: [0, 0xffff],
  UINT32: [0, 0xffff_ffff],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

export function cast(tensor: Tensor, to: Datatype): Tensor {
  if (tensor.datatype === to) return tensor;
  const values = Float64Array.from(numbersOf(tensor));
  const bounds = INTEGER_BOUNDS[to];
  const converted = bounds
    ? values.map((value) => Math.min(bounds[1], Math.max(bounds[0], Math.trunc(value))))
    : to === 'BOOL'
      ? values.map((value) => (value === 0 ? 0 : 1))
      : values;
  return tensorOf(tensor.name, to, tensor.shape, converted);
}

export function softmax(tensor: Tensor): Tensor {
  const values = numbersOf(tensor);
  const out = new Float64Array(values.length);
  forEachRow(tensor, (start, end) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i++) most = Math.max(most, values[i] as number);
    let sum = 0;
    for (let i = start; i < end; i++) sum += out[i] = Math.exp((values[i] as number) - most);
    for (let i = start; i < end; i++) out[i] = (out[i] as number) / sum;
  });
  return tensorOf(tensor.name, 'FP32', tensor.shape, out);
}

/** The best values and, as a second tensor, their places; of equals the first. */
export function topK(tensor: Tensor, k: number, indicesName: string): Tensor[] {
  const values = numbersOf(tensor);
  const best: number[] = [];
  const places: number[] = [];
  const kept = Math.min(k, tensor.shape.at(-1) ?? 1);
  forEachRow(tensor, (start, end) => {
    const row = Array.from({ length: end - start }, (_, i) => i).sort(
      (a, b) => (values[start + b] as number) - (values[start + a] as number) || a - b,
    );
    for (const i of row.slice(0, kept)) {
      best.push(values[start + i] as number);
      places.push(i);
    }
  });
  const shape = [...tensor.shape.slice(0, -1), kept];
  return [tensorOf(tensor.name, tensor.datatype, shape, best), tensorOf(indicesName, 'INT64', shape, places)];
}

/** Throws INFER_FAILED for an index that has no name. */
export function labelled(tensor: Tensor, names: readonly string[]): Tensor {
  const texts = Array.from(numbersOf(tensor), (index) => {
    const name = names[index];
    if (name === undefined)
      throw new CodedError('INFER_FAILED', `${tensor.name} gives class ${index} of ${names.length}`);
    return name;
  });
  return { name: tensor.name, datatype: 'BYTES', shape: tensor.shape, data: packStrings(texts) };
}

export function threshold(tensor: Tensor, value: number): Tensor {
  const hits = Uint8Array.from(numbersOf(tensor), (x) => (x >= value ? 1 : 0));
  return tensorOf(tensor.name, 'BOOL', tensor.shape, hits);
}

function forEachRow(tensor: Tensor, row: (start: number, end: number) => void): void {
  const width = tensor.shape.at(-1) ?? 1;
  const total = product(tensor.shape);
  for (let start = 0; width > 0 && start < total; start += width) row(start, start + width);
}

const product = (shape: readonly number[]): number => shape.reduce((all, axis) => all * axis, 1);
