import { CodedError } from '../errors/index.ts';
import type { TensorSpec } from '../release/index.ts';
import { packStrings } from './byte-strings.ts';
import type { InferRequest } from './infer-request.ts';
import { ELEMENT_BYTES } from './tensor.ts';

/**
 * Triton's raw binary request: the whole body is the model's only input. The shape follows from the length, so at most
 * one axis may be free; for text the body is one element, without the length in front. The answer is binary too. Throws
 * REQUEST_INVALID.
 */
export function decodeRawRequest(inputs: readonly TensorSpec[], body: Uint8Array): InferRequest {
  const [spec] = inputs;
  if (!spec || inputs.length > 1) {
    throw new CodedError('REQUEST_INVALID', `a raw body is one input; the model takes ${inputs.length}`);
  }
  const { name, datatype, axes } = spec;
  if (datatype === 'BYTES') {
    const tensor = { name, datatype, shape: axes.map(() => 1), data: packStrings([body]) };
    return { inputs: [tensor], binaryDefault: true };
  }
  const free = axes.filter(({ min, max }) => min !== max);
  if (free.length > 1) {
    throw new CodedError(
      'REQUEST_INVALID',
      `${name} has ${free.length} free axes; a raw body cannot say them`,
    );
  }
  const fixed = axes.reduce(
    (size, { min, max }) => (min === max ? size * max : size),
    ELEMENT_BYTES[datatype],
  );
  const length = free.length === 0 ? 1 : body.length / fixed;
  if (!Number.isInteger(length) || (free.length === 0 && body.length !== fixed)) {
    throw new CodedError('REQUEST_INVALID', `${body.length} bytes are no ${name} of ${datatype}`);
  }
  const shape = axes.map(({ min, max }) => (min === max ? max : length));
  return { inputs: [{ name, datatype, shape, data: body }], binaryDefault: true };
}
