import { ORT_TYPES, ortDataOf, type Tensor } from '@ringfleet/shared/v2';
import * as ort from 'onnxruntime-node';

/** A tensor for the session. The bytes are copied: what came over the channel may share its buffer. */
export function toOrt(tensor: Tensor): ort.Tensor {
  const type = ORT_TYPES[tensor.datatype];
  const data = ortDataOf({ ...tensor, data: Uint8Array.from(tensor.data) });
  const dims = [...tensor.shape];
  // Where Node has a Float16Array the class makes one of the 16 bits, in which the native side (1.30) sees no bytes.
  if (type === 'float16') return { type, data, dims, location: 'cpu' } as unknown as ort.Tensor;
  return new ort.Tensor(type as 'float32', data as Float32Array, dims);
}
