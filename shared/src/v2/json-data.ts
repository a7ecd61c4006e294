import { CodedError } from '../errors/index.ts';
import type { Datatype } from '../release/index.ts';
import { packStrings, textOf, unpackStrings } from './byte-strings.ts';
import { ELEMENT_BYTES, MAX_RANK, numbersOf, type Tensor, typedArrayOf } from './tensor.ts';

const RANGES: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 0xff],
  UINT16: [0, 0xffff],
  UINT32: [0, 0xffff_ffff],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/**
 * `data` of a JSON tensor, flat or nested, as raw bytes. Exactly `elements` elements of the datatype, else
 * REQUEST_INVALID. `null` is a missing number, NaN, where the datatype has one. FP16 has no JSON form in the protocol.
 */
export function bytesOfJson(
  name: string,
  datatype: Datatype,
  elements: number,
  data: unknown,
  at: string,
): Uint8Array {
  const wrong = (what: string): CodedError => new CodedError('REQUEST_INVALID', `${name}: ${what}`, { at });
  if (!Array.isArray(data)) throw wrong('data is not an array');
  const flat = flatten(data, elements);
  if (!flat) throw wrong(`data does not hold the ${elements} elements of its shape`);
  if (datatype === 'BYTES') {
    if (!flat.every((item) => typeof item === 'string'))
      throw wrong('BYTES holds something else than strings');
    return packStrings(flat as string[]);
  }
  if (datatype === 'FP16') throw wrong('FP16 can only be sent with the binary extension');
  const out = new Uint8Array(elements * ELEMENT_BYTES[datatype]);
  const target = typedArrayOf({ name, datatype, shape: [elements], data: out });
  const range = RANGES[datatype];
  const hasNaN = datatype === 'FP32' || datatype === 'FP64';
  for (let i = 0; i < elements; i++) {
    const item = flat[i];
    const value =
      datatype === 'BOOL' && typeof item === 'boolean'
        ? Number(item)
        : hasNaN && item === null
          ? Number.NaN
          : item;
    if (typeof value !== 'number') throw wrong(`element ${i} is not a number`);
    if (datatype === 'BOOL' && value !== 0 && value !== 1) throw wrong(`element ${i} is not a boolean`);
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) {
      throw wrong(`element ${i} is not a ${datatype} that JSON can carry exactly`);
    }
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[i] = BigInt(value);
    else target[i] = value;
  }
  return out;
}

/** The text of a tensor's flat `data` array. Throws TENSOR_NOT_FINITE where JSON has no word for a value. */
export function jsonOfBytes(tensor: Tensor, elements: number): string {
  if (tensor.datatype === 'BYTES') return JSON.stringify(unpackStrings(tensor.data, elements).map(textOf));
  if (tensor.datatype === 'BOOL') return `[${Array.from(tensor.data, (byte) => byte !== 0).join(',')}]`;
  const is64 = tensor.datatype === 'INT64' || tensor.datatype === 'UINT64';
  const values = is64 ? (typedArrayOf(tensor) as BigInt64Array) : Array.from(numbersOf(tensor));
  const text = values.join(',');
  if (text.includes('N') || text.includes('I')) throw new CodedError('TENSOR_NOT_FINITE', tensor.name);
  return `[${text}]`;
}

function flatten(data: readonly unknown[], limit: number): unknown[] | undefined {
  if (data.length === limit && !Array.isArray(data[0])) return data as unknown[];
  const flat: unknown[] = [];
  const walk = (items: readonly unknown[], depth: number): boolean => {
    for (const item of items) {
      if (Array.isArray(item)) {
        if (depth >= MAX_RANK || !walk(item, depth + 1)) return false;
      } else if (flat.push(item) > limit) return false;
    }
    return true;
  };
  return walk(data, 1) && flat.length === limit ? flat : undefined;
}
