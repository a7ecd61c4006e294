import { ORT_TYPES, ortDataOf, type Tensor } from '@ringfleet/shared/v2';
import type { Tensor as OrtTensor } from 'onnxruntime-node';

/**
 * What the native side reads, without the library's Tensor class: a runner on another back end never loads the library,
 * and where Node has a Float16Array the class makes one, in which the native side (1.30) sees no bytes.
 */
export function toOrt(tensor: Tensor): OrtTensor {
  const type = ORT_TYPES[tensor.datatype];
  return { type, data: ortDataOf(tensor), dims: [...tensor.shape], location: 'cpu' } as unknown as OrtTensor;
}
