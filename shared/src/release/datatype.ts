import { type Static, Type } from 'typebox';

/** V2 datatypes that ONNX tensors of edge models use. */
export const Datatype = Type.Union([
  Type.Literal('BOOL'),
  Type.Literal('UINT8'),
  Type.Literal('UINT16'),
  Type.Literal('UINT32'),
  Type.Literal('UINT64'),
  Type.Literal('INT8'),
  Type.Literal('INT16'),
  Type.Literal('INT32'),
  Type.Literal('INT64'),
  Type.Literal('FP16'),
  Type.Literal('FP32'),
  Type.Literal('FP64'),
  Type.Literal('BYTES'),
]);
export type Datatype = Static<typeof Datatype>;
