import { CodedError } from '../errors/index.ts';
import type { Datatype } from '../release/index.ts';
import { packStrings, textOf, unpackStrings } from './byte-strings.ts';
import { elementsOf, type NumberArray, type Tensor, typedArrayOf } from './tensor.ts';

/** What ONNX Runtime calls V2's datatypes. */
export const ORT_TYPES = {
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
} as const satisfies Record<Datatype, string>;

const DATATYPES = new Map<string, Datatype>(
  Object.entries(ORT_TYPES).map(([datatype, type]) => [type, datatype as Datatype]),
);

/** The V2 name of an ONNX Runtime element type; undefined for one that V2 cannot say. */
export const datatypeOf = (type: string): Datatype | undefined => DATATYPES.get(type);

/** The elements as ONNX Runtime's tensors take them. Throws REQUEST_INVALID for text that is no UTF-8. */
export function ortDataOf(tensor: Tensor): NumberArray | string[] {
  if (tensor.datatype !== 'BYTES') return typedArrayOf(tensor);
  return unpackStrings(tensor.data, elementsOf(tensor.shape) ?? 0).map(textOf);
}

/** What ONNX Runtime's tensors show of themselves. */
export interface OrtTensorLike {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** The other direction, without a copy. Throws INFER_FAILED for an element type that V2 has no name for. */
export function tensorFromOrt(name: string, tensor: OrtTensorLike): Tensor {
  const datatype = datatypeOf(tensor.type);
  const shape = [...tensor.dims];
  const { data } = tensor;
  if (datatype === 'BYTES') return { name, datatype, shape, data: packStrings(data as string[]) };
  if (!datatype || !ArrayBuffer.isView(data))
    throw new CodedError('INFER_FAILED', `output ${name} is ${tensor.type}, which V2 cannot carry`);
  return { name, datatype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}
