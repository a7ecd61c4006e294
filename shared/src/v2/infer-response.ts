import { parametersOf, readId, readTensors, splitBody, type WireBody, writeBody } from './body.ts';
import { DEGRADED } from './degraded.ts';
import type { Tensor } from './tensor.ts';

export interface InferResponse {
  readonly id?: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly outputs: readonly Tensor[];
  /** Which values broke their feature's schema, as `writeDegraded` says it. */
  readonly degraded?: string;
}

/** Writes a response. Throws TENSOR_NOT_FINITE when NaN or infinity would have to be JSON. */
export function encodeInferResponse(
  response: InferResponse,
  isBinary: (output: string) => boolean,
): WireBody {
  const members = {
    model_name: response.modelName,
    model_version: response.modelVersion,
    ...(response.id === undefined ? {} : { id: response.id }),
    ...(response.degraded === undefined ? {} : { parameters: { [DEGRADED]: response.degraded } }),
  };
  return writeBody(members, 'outputs', response.outputs, isBinary);
}

/** Reads a response; without `headerBytes` all of it is JSON. Throws RESPONSE_INVALID. */
export function decodeInferResponse(body: Uint8Array, headerBytes?: number): InferResponse {
  const { header, rest } = splitBody(body, headerBytes, 'RESPONSE_INVALID');
  const id = readId(header, 'RESPONSE_INVALID');
  const degraded = parametersOf(header)[DEGRADED];
  const text = (field: string): string => (typeof header[field] === 'string' ? header[field] : '');
  return {
    ...(id === undefined ? {} : { id }),
    modelName: text('model_name'),
    modelVersion: text('model_version'),
    outputs: readTensors(header, 'outputs', rest, 'RESPONSE_INVALID'),
    ...(typeof degraded === 'string' ? { degraded } : {}),
  };
}
