import { CodedError } from '@ringfleet/shared/errors';
import type { TensorSpec } from '@ringfleet/shared/release';
import { metadataShape, numbersOf, type Tensor } from '@ringfleet/shared/v2';
import { encodeRows } from '../batch/encode-rows.ts';
import type { StreamConfig } from './stream-config.ts';

/** A message as the model's inputs, one sample. Throws REQUEST_INVALID. */
export function mapPayload(
  stream: Pick<StreamConfig, 'json' | 'binary'>,
  specs: readonly TensorSpec[],
  payload: Uint8Array,
): Tensor[] {
  const inputs = specs.map((spec) => ({
    name: spec.name,
    datatype: spec.datatype,
    shape: metadataShape(spec),
  }));
  return encodeRows(inputs, [rowOf(stream, specs, payload)]);
}

function rowOf(
  stream: Pick<StreamConfig, 'json' | 'binary'>,
  specs: readonly TensorSpec[],
  payload: Uint8Array,
): Record<string, unknown> {
  if (stream.binary !== undefined) {
    if (payload.length % 4 !== 0)
      throw new CodedError('REQUEST_INVALID', `${payload.length} bytes are no FP32 numbers`);
    const shape = [payload.length / 4];
    const values = numbersOf({ name: stream.binary, datatype: 'FP32', shape, data: payload });
    return { [stream.binary]: Array.from(values) };
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw new CodedError('REQUEST_INVALID', 'the message is not JSON', { cause });
  }
  // Without a mapping a JSON object holds the inputs by their names.
  const paths = stream.json ?? Object.fromEntries(specs.map((spec) => [spec.name, spec.name]));
  return Object.fromEntries(Object.entries(paths).map(([input, path]) => [input, at(value, path)]));
}

function at(value: unknown, path: string): unknown {
  const steps = path === '' ? [] : path.split('.');
  return steps.reduce<unknown>((inner, step) => {
    const isHolder = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step);
    return isHolder ? (inner as Record<string, unknown>)[step] : undefined;
  }, value);
}
