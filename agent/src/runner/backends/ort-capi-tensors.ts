import { CodedError } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';
import {
  ELEMENT_BYTES,
  elementsOf,
  packStrings,
  type Tensor,
  textOf,
  unpackStrings,
} from '@ringfleet/shared/v2';
import type { Argument, OrtApi, Pointer } from './ort-api.ts';

/** ONNXTensorElementDataType, by number. */
const ELEMENT_TYPES: readonly (readonly [name: string, datatype: Datatype] | null)[] = [
  null,
  ['float32', 'FP32'],
  ['uint8', 'UINT8'],
  ['int8', 'INT8'],
  ['uint16', 'UINT16'],
  ['int16', 'INT16'],
  ['int32', 'INT32'],
  ['int64', 'INT64'],
  ['string', 'BYTES'],
  ['bool', 'BOOL'],
  ['float16', 'FP16'],
  ['float64', 'FP64'],
  ['uint32', 'UINT32'],
  ['uint64', 'UINT64'],
];

export const elementTypeName = (type: number): string => ELEMENT_TYPES[type]?.[0] ?? `type ${type}`;

/** A value that lives in the library, and the memory of ours that it looks at. */
export interface Value {
  readonly pointer: Pointer;
  readonly memory: readonly Argument[];
}

export function toValue(api: OrtApi, tensor: Tensor, memoryInfo: Pointer, allocator: Pointer): Value {
  const shape = BigInt64Array.from(tensor.shape, BigInt);
  const type = ELEMENT_TYPES.findIndex((entry) => entry?.[1] === tensor.datatype);
  if (tensor.datatype === 'BYTES') {
    const texts = unpackStrings(tensor.data, elementsOf(tensor.shape) ?? 0).map((bytes) =>
      Buffer.from(`${textOf(bytes)}\0`),
    );
    const pointer = api.make('CreateTensorAsOrtValue', allocator, shape, shape.length, type);
    const addresses = BigUint64Array.from(texts, (text) => api.addressOf(text));
    try {
      api.call('FillStringTensor', pointer, addresses, texts.length);
    } catch (err) {
      api.release('ReleaseValue', pointer);
      throw err;
    }
    // Used once more, so that the texts are not collected before the library has copied them.
    texts.length = 0;
    return { pointer, memory: [] };
  }
  // The library reads elements in place, and a slice of a request may lie on any byte.
  const data = tensor.data.byteOffset % 8 === 0 ? tensor.data : new Uint8Array(tensor.data);
  const pointer = api.make(
    'CreateTensorWithDataAsOrtValue',
    memoryInfo,
    // An empty tensor still needs an address.
    data.length === 0 ? new Uint8Array(8) : data,
    data.length,
    shape,
    shape.length,
    type,
  );
  return { pointer, memory: [data, shape] };
}

/** Copies a value of the library. Throws INFER_FAILED for an element type that V2 has no name for. */
export function fromValue(api: OrtApi, name: string, value: Pointer): Tensor {
  if (value === 0n) throw new CodedError('INFER_FAILED', `the model gave no output ${name} this time`);
  const info = api.make('GetTensorTypeAndShape', value);
  try {
    const { type, shape } = readTypeAndShape(api, info);
    const datatype = ELEMENT_TYPES[type]?.[1];
    if (!datatype)
      throw new CodedError(
        'INFER_FAILED',
        `output ${name} is ${elementTypeName(type)}, which V2 cannot carry`,
      );
    const elements = shape.reduce((product, axis) => product * axis, 1);
    if (datatype === 'BYTES') {
      return { name, datatype, shape, data: packStrings(readStrings(api, value, elements)) };
    }
    const length = elements * ELEMENT_BYTES[datatype];
    const data =
      length === 0 ? new Uint8Array(0) : api.bytesAt(api.make('GetTensorMutableData', value), length);
    return { name, datatype, shape, data: new Uint8Array(data) };
  } finally {
    api.release('ReleaseTensorTypeAndShapeInfo', info);
  }
}

export function readTypeAndShape(api: OrtApi, info: Pointer): { type: number; shape: number[] } {
  const type = new Int32Array(1);
  api.call('GetTensorElementType', info, type);
  const rank = Number(api.make('GetDimensionsCount', info));
  // One more, so that a scalar's has an address too.
  const dims = new BigInt64Array(rank + 1);
  api.call('GetDimensions', info, dims, rank);
  return { type: type[0] ?? 0, shape: Array.from(dims.subarray(0, rank), Number) };
}

function readStrings(api: OrtApi, value: Pointer, elements: number): string[] {
  if (elements === 0) return [];
  const length = Number(api.make('GetStringTensorDataLength', value));
  const bytes = Buffer.alloc(length + 1);
  const offsets = new BigUint64Array(elements);
  api.call('GetStringTensorContent', value, bytes, length, offsets, elements);
  return Array.from(offsets, (offset, i) =>
    bytes.toString('utf8', Number(offset), i + 1 < elements ? Number(offsets[i + 1]) : length),
  );
}
