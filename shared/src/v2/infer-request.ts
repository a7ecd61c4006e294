import { CodedError } from '../errors/index.ts';
import {
  isName,
  isObject,
  MAX_TENSORS,
  parametersOf,
  readId,
  readTensors,
  splitBody,
  type WireBody,
  writeBody,
} from './body.ts';
import type { Tensor } from './tensor.ts';

export interface RequestedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** Answer the best n classes as `score:index:label` strings instead of the tensor. */
  readonly classification?: number;
}

export interface InferRequest {
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  /** Absent: all of them. */
  readonly outputs?: readonly RequestedOutput[];
  /** How outputs go that `outputs` does not name. */
  readonly binaryDefault: boolean;
}

/** Reads the body of `POST …/infer`; without `headerBytes` all of it is JSON. Throws REQUEST_INVALID with a pointer. */
export function decodeInferRequest(body: Uint8Array, headerBytes?: number): InferRequest {
  const { header, rest } = splitBody(body, headerBytes, 'REQUEST_INVALID');
  const id = readId(header, 'REQUEST_INVALID');
  const inputs = readTensors(header, 'inputs', rest, 'REQUEST_INVALID');
  const binaryDefault = parametersOf(header)['binary_data_output'] === true;
  const outputs = readOutputs(header['outputs'], binaryDefault);
  return { ...(id === undefined ? {} : { id }), inputs, ...(outputs ? { outputs } : {}), binaryDefault };
}

/** Writes the body of a request; `binary` sends the tensors, and asks for the outputs, in binary form. */
export function encodeInferRequest(
  request: { readonly id?: string; readonly inputs: readonly Tensor[]; readonly outputs?: readonly string[] },
  options: { readonly binary: boolean },
): WireBody {
  const members = {
    ...(request.id === undefined ? {} : { id: request.id }),
    ...(options.binary ? { parameters: { binary_data_output: true } } : {}),
    ...(request.outputs ? { outputs: request.outputs.map((name) => ({ name })) } : {}),
  };
  return writeBody(members, 'inputs', request.inputs, () => options.binary);
}

function readOutputs(value: unknown, binaryDefault: boolean): RequestedOutput[] | undefined {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return undefined;
  if (!Array.isArray(value) || value.length > MAX_TENSORS) {
    throw new CodedError('REQUEST_INVALID', `outputs is not a list of at most ${MAX_TENSORS}`, {
      at: '/outputs',
    });
  }
  return value.map((entry: unknown, i) => {
    const at = `/outputs/${i}`;
    if (!isObject(entry) || !isName(entry['name'])) {
      throw new CodedError('REQUEST_INVALID', 'a requested output has no name', { at });
    }
    const { binary_data: binary, classification } = parametersOf(entry);
    if (classification === undefined) {
      return { name: entry['name'], binary: typeof binary === 'boolean' ? binary : binaryDefault };
    }
    if (typeof classification !== 'number' || !Number.isInteger(classification) || classification < 1) {
      throw new CodedError('REQUEST_INVALID', 'classification is not a number of classes', { at });
    }
    return { name: entry['name'], binary: binary === true, classification };
  });
}
