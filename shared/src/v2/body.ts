import { CodedError, type ErrorCode } from '../errors/index.ts';
import { bytesOfJson, jsonOfBytes } from './json-data.ts';
import { ELEMENT_BYTES, elementsOf, isDatatype, type Tensor } from './tensor.ts';

export const MAX_TENSORS = 64;
const MAX_NAME = 128;
/** Kept: making them costs as much as what they do to a small request. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const ENCODER = new TextEncoder();
const MAX_ID = 256;

export type JsonObject = Readonly<Record<string, unknown>>;

/** What goes over the wire; `headerBytes` is `Inference-Header-Content-Length`, absent when the whole body is JSON. */
export interface WireBody {
  readonly body: Uint8Array;
  readonly headerBytes?: number;
}

/** The JSON object of a body and the binary part behind it. */
export function splitBody(
  body: Uint8Array,
  headerBytes: number | undefined,
  code: ErrorCode,
): { header: JsonObject; rest: Uint8Array } {
  const length = headerBytes ?? body.length;
  if (!Number.isInteger(length) || length < 2 || length > body.length) {
    throw new CodedError(code, 'Inference-Header-Content-Length does not fit the body');
  }
  let header: unknown;
  try {
    header = JSON.parse(UTF8.decode(body.subarray(0, length)));
  } catch (cause) {
    throw new CodedError(code, 'the JSON part is not JSON', { cause });
  }
  if (!isObject(header)) throw new CodedError(code, 'the JSON part is not an object');
  return { header, rest: body.subarray(length) };
}

/** Reads `inputs` or `outputs`: binary tensors take their bytes from `rest`, in order and without a remainder. */
export function readTensors(header: JsonObject, field: string, rest: Uint8Array, code: ErrorCode): Tensor[] {
  const list = header[field];
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_TENSORS) {
    throw new CodedError(code, `${field} is not a list of 1 to ${MAX_TENSORS} tensors`, { at: `/${field}` });
  }
  let offset = 0;
  const names = new Set<string>();
  const tensors = list.map((entry: unknown, i): Tensor => {
    const at = `/${field}/${i}`;
    const wrong = (what: string): CodedError => new CodedError(code, what, { at });
    if (!isObject(entry)) throw wrong('a tensor is not an object');
    const { name, datatype, shape, data } = entry;
    if (!isName(name)) throw wrong('a tensor has no name, or one that is too long');
    if (names.has(name)) throw wrong(`${name} is there twice`);
    names.add(name);
    if (!isDatatype(datatype)) throw wrong(`${name}: the datatype is not one of the protocol`);
    const elements = Array.isArray(shape) ? elementsOf(shape) : undefined;
    if (elements === undefined) throw wrong(`${name}: the shape is not a list of lengths`);
    const width = ELEMENT_BYTES[datatype];
    const size = parametersOf(entry)['binary_data_size'];
    if (size === undefined) {
      return {
        name,
        datatype,
        shape: shape as number[],
        data: bytesOfJson(name, datatype, elements, data, at),
      };
    }
    if (data !== undefined) throw wrong(`${name} has both data and binary_data_size`);
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || offset + size > rest.length) {
      throw wrong(`${name}: binary_data_size does not fit the body`);
    }
    if (width > 0 && size !== elements * width) {
      throw wrong(`${name}: ${size} bytes are not ${elements} elements of ${datatype}`);
    }
    offset += size;
    return { name, datatype, shape: shape as number[], data: rest.subarray(offset - size, offset) };
  });
  if (offset !== rest.length) throw new CodedError(code, `${rest.length - offset} bytes belong to no tensor`);
  return tensors;
}

/** Joins a JSON object's leading members, its tensors and their bytes. The binary part starts at a multiple of 8. */
export function writeBody(
  members: JsonObject,
  field: string,
  tensors: readonly Tensor[],
  isBinary: (name: string) => boolean,
): WireBody {
  const binary: Tensor[] = [];
  const list = tensors.map((tensor) => {
    const head = JSON.stringify({ name: tensor.name, datatype: tensor.datatype, shape: tensor.shape });
    if (!isBinary(tensor.name)) {
      const elements = elementsOf(tensor.shape) ?? 0;
      return `${head.slice(0, -1)},"data":${jsonOfBytes(tensor, elements)}}`;
    }
    binary.push(tensor);
    return `${head.slice(0, -1)},"parameters":{"binary_data_size":${tensor.data.length}}}`;
  });
  const lead = JSON.stringify(members).slice(0, -1);
  const json = ENCODER.encode(`${lead}${lead === '{' ? '' : ','}"${field}":[${list.join(',')}]}`);
  if (binary.length === 0) return { body: json };
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const body = new Uint8Array(headerBytes + binary.reduce((sum, tensor) => sum + tensor.data.length, 0));
  body.set(json);
  // Spaces after a JSON value are JSON too, and aligned tensors need no copy on the other side.
  body.fill(0x20, json.length, headerBytes);
  let at = headerBytes;
  for (const tensor of binary) {
    body.set(tensor.data, at);
    at += tensor.data.length;
  }
  return { body, headerBytes };
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME;

export const parametersOf = (entry: JsonObject): JsonObject =>
  isObject(entry['parameters']) ? entry['parameters'] : {};

export function readId(header: JsonObject, code: ErrorCode): string | undefined {
  const id = header['id'];
  if (id === undefined) return undefined;
  if (typeof id !== 'string' || id.length > MAX_ID)
    throw new CodedError(code, 'id is not a short text', { at: '/id' });
  return id;
}
