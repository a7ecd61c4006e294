import { CodedError } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';
import {
  elementsOf,
  packStrings,
  type Tensor,
  textOf,
  typedArrayOf,
  unpackStrings,
} from '@ringfleet/shared/v2';
import type { Tensor as OrtTensor } from 'onnxruntime-node';

const ORT_TYPES: Readonly<Record<Datatype, OrtTensor.Type>> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
};
const DATATYPES = new Map(Object.entries(ORT_TYPES).map(([datatype, type]) => [type, datatype as Datatype]));

/** The V2 name of an ONNX Runtime element type; undefined for one that V2 cannot say. */
export const datatypeOf = (type: string): Datatype | undefined => DATATYPES.get(type as OrtTensor.Type);

/**
 * What the native side reads, without the library's Tensor class: a runner on another back end never loads the library,
 * and where Node has a Float16Array the class makes one, in which the native side (1.30) sees no bytes.
 */
export function toOrt(tensor: Tensor): OrtTensor {
  const dims = [...tensor.shape];
  const data =
    tensor.datatype === 'BYTES'
      ? unpackStrings(tensor.data, elementsOf(dims) ?? 0).map(textOf)
      : typedArrayOf(tensor);
  return { type: ORT_TYPES[tensor.datatype], data, dims, location: 'cpu' } as unknown as OrtTensor;
}

/** Throws INFER_FAILED for an element type that V2 has no name for. */
export function fromOrt(name: string, tensor: OrtTensor): Tensor {
  const datatype = datatypeOf(tensor.type);
  if (!datatype)
    throw new CodedError('INFER_FAILED', `output ${name} is ${tensor.type}, which V2 cannot carry`);
  const shape = [...tensor.dims];
  if (datatype === 'BYTES') return { name, datatype, shape, data: packStrings(tensor.data as string[]) };
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array;
  return { name, datatype, shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
}
