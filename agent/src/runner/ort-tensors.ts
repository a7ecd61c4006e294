import { ORT_TYPES, ortDataOf, type Tensor } from '@ringfleet/shared/v2';
import { Tensor as OrtTensor } from 'onnxruntime-node';

export function toOrt(tensor: Tensor): OrtTensor {
  const type = ORT_TYPES[tensor.datatype];
  const data = ortDataOf(tensor);
  const dims = [...tensor.shape];
  // Where Node has a Float16Array the class makes one of the 16 bits, in which the native side (1.30) sees no bytes.
  if (type === 'float16') return { type, data, dims, location: 'cpu' } as unknown as OrtTensor;
  return new OrtTensor(type as 'float32', data as Float32Array, dims);
}
