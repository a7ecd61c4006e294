import type { Datatype } from '@ringfleet/shared/release';
import type { Tensor } from '@ringfleet/shared/v2';
import * as ort from 'onnxruntime-node';

/** ONNX Runtime's names of V2's datatypes. Strings are left out: nothing here feeds them. */
const TYPES: Readonly<Partial<Record<Datatype, ort.Tensor.Type>>> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP32: 'float32',
  FP64: 'float64',
};

const ARRAYS = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** V2's name of a type of ONNX Runtime; undefined for what we do not carry. */
export function datatypeOf(type: string): Datatype | undefined {
  return (Object.keys(TYPES) as Datatype[]).find((datatype) => TYPES[datatype] === type);
}

/** A tensor for the session. The bytes are copied, which also aligns them. */
export function toOrt(tensor: Tensor): ort.Tensor {
  const type = TYPES[tensor.datatype] as keyof typeof ARRAYS | undefined;
  if (type === undefined) throw new Error(`${tensor.name}: no tensors of ${tensor.datatype}`);
  const { buffer } = Uint8Array.from(tensor.data);
  return new ort.Tensor(type, new ARRAYS[type](buffer) as Uint8Array, tensor.shape);
}

/** A tensor that the session gave. */
export function fromOrt(name: string, tensor: ort.Tensor): Tensor {
  const datatype = datatypeOf(tensor.type);
  const { data } = tensor;
  if (datatype === undefined || !ArrayBuffer.isView(data))
    throw new Error(`${name}: no tensors of ${tensor.type}`);
  return {
    name,
    datatype,
    shape: tensor.dims,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}
