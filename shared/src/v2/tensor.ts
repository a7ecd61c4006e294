import { CodedError } from '../errors/index.ts';
import type { Datatype } from '../release/index.ts';

/** One tensor as the wire's binary extension has it: raw little-endian, row major; BYTES elements length-prefixed. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export const MAX_RANK = 8;
export const MAX_ELEMENTS = 64 * 1024 * 1024;

/** Bytes of one element; 0 for BYTES, whose elements differ in length. */
export const ELEMENT_BYTES: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
};

export const isDatatype = (text: unknown): text is Datatype =>
  typeof text === 'string' && Object.hasOwn(ELEMENT_BYTES, text);

/** Elements of a shape, or undefined when it is no shape or too large to be one. */
export function elementsOf(shape: readonly unknown[]): number | undefined {
  if (shape.length > MAX_RANK) return undefined;
  let elements = 1;
  for (const axis of shape) {
    if (typeof axis !== 'number' || !Number.isInteger(axis) || axis < 0) return undefined;
    elements *= axis;
    if (elements > MAX_ELEMENTS) return undefined;
  }
  return elements;
}

/**
 * The tensor's elements as a typed array: a view where the bytes lie aligned, else a copy. FP16 comes as its 16 bits,
 * BOOL as 0 and 1. Throws REQUEST_INVALID for BYTES.
 */
export function typedArrayOf(tensor: Tensor): NumberArray {
  const width = ELEMENT_BYTES[tensor.datatype];
  if (width === 0) throw new CodedError('REQUEST_INVALID', `${tensor.name} holds strings, not numbers`);
  // Not `slice()`: of a Buffer that is one more view of the same, unaligned bytes.
  const bytes = tensor.data.byteOffset % width === 0 ? tensor.data : new Uint8Array(tensor.data);
  const of = <T>(View: new (buffer: ArrayBufferLike, offset: number, length: number) => T): T =>
    new View(bytes.buffer, bytes.byteOffset, bytes.byteLength / width);
  switch (tensor.datatype) {
    case 'BOOL':
    case 'UINT8':
      return of(Uint8Array);
    case 'UINT16':
    case 'FP16':
      return of(Uint16Array);
    case 'UINT32':
      return of(Uint32Array);
    case 'UINT64':
      return of(BigUint64Array);
    case 'INT8':
      return of(Int8Array);
    case 'INT16':
      return of(Int16Array);
    case 'INT32':
      return of(Int32Array);
    case 'INT64':
      return of(BigInt64Array);
    case 'FP32':
      return of(Float32Array);
    default:
      return of(Float64Array);
  }
}

/** The elements as numbers, for counting and comparing: 64-bit integers lose what a double cannot hold. */
export function numbersOf(tensor: Tensor): ArrayLike<number> {
  const values = typedArrayOf(tensor);
  if (tensor.datatype === 'FP16') return Float64Array.from(values as Uint16Array, halfToNumber);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    return Float64Array.from(values as ArrayLike<bigint>, Number);
  }
  return values;
}

/** A tensor from plain numbers, stored as its datatype stores them. BYTES are not for this. */
export function tensorOf(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: ArrayLike<number>,
): Tensor {
  const width = ELEMENT_BYTES[datatype];
  if (width === 0) throw new CodedError('REQUEST_INVALID', `${datatype} needs bytes`);
  const data = new Uint8Array(values.length * width);
  const target = typedArrayOf({ name, datatype, shape, data });
  if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) target[i] = BigInt(values[i] as number);
  } else if (datatype === 'FP16') {
    for (let i = 0; i < values.length; i++) target[i] = numberToHalf(values[i] as number);
  } else {
    target.set(values);
  }
  return { name, datatype, shape, data };
}

/** How a datatype holds a number: 0.1 in FP32 is a little more. */
export function rounderOf(datatype: Datatype): (x: number) => number {
  if (datatype === 'FP32') return Math.fround;
  return datatype === 'FP16' ? (x) => halfToNumber(numberToHalf(x)) : (x) => x;
}

/** IEEE 754 binary16 to a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16, to the nearest, ties to even; what is too large becomes infinity. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  // Below the smallest normal number steps are 2^-24; above it they grow with the exponent.
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent -= 1;
  else if (2 ** (exponent + 1) <= size) exponent += 1;
  // A mantissa that rounds up to 2048 carries into the exponent by itself.
  return sign | (((exponent + 14) << 10) + roundToEven(size * 2 ** (10 - exponent)));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** False when a floating point tensor holds NaN or infinity. */
export function isFiniteTensor(tensor: Tensor): boolean {
  if (tensor.datatype === 'FP16') {
    return (typedArrayOf(tensor) as Uint16Array).every((bits) => (bits & 0x7c00) !== 0x7c00);
  }
  if (tensor.datatype !== 'FP32' && tensor.datatype !== 'FP64') return true;
  const values = typedArrayOf(tensor) as Float64Array;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
