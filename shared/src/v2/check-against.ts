import { CodedError } from '../errors/index.ts';
import type { TensorSpec } from '../release/index.ts';
import { textOf, unpackStrings } from './byte-strings.ts';
import { elementsOf, isFiniteTensor, numbersOf, type Tensor } from './tensor.ts';

export type MayBeMissing = (input: string, element: number) => boolean;

/**
 * Whether tensors fit what the manifest says: names, datatypes, shapes within the axes' bounds, finite values,
 * text that is text. `mayBeMissing` says whether NaN may stand at an element of a sample. Throws INPUT_MISSING, INPUT_UNKNOWN, DATATYPE_MISMATCH, SHAPE_MISMATCH, NON_FINITE_INPUT or
 * REQUEST_INVALID naming the first that does not.
 */
export function checkAgainst(
  specs: readonly TensorSpec[],
  inputs: readonly Tensor[],
  mayBeMissing: MayBeMissing = () => false,
): void {
  for (const spec of specs) {
    if (!inputs.some((input) => input.name === spec.name)) {
      throw new CodedError('INPUT_MISSING', `input ${spec.name} is missing`);
    }
  }
  for (const [i, input] of inputs.entries()) {
    const at = `/inputs/${i}`;
    const spec = specs.find((candidate) => candidate.name === input.name);
    if (!spec) throw new CodedError('INPUT_UNKNOWN', `the model has no input ${input.name}`, { at });
    if (spec.datatype !== input.datatype) {
      throw new CodedError(
        'DATATYPE_MISMATCH',
        `${input.name} is ${input.datatype}, the model takes ${spec.datatype}`,
        {
          at,
        },
      );
    }
    if (!fits(spec, input.shape)) {
      throw new CodedError(
        'SHAPE_MISMATCH',
        `${input.name} has shape [${input.shape.join(', ')}], the model takes [${spec.axes.map(axisText).join(', ')}]`,
        { at },
      );
    }
    if (input.datatype === 'BYTES') expectText(input, at);
    if (!isFiniteTensor(input)) expectFinite(spec, input, mayBeMissing, at);
  }
}

function expectFinite(spec: TensorSpec, input: Tensor, mayBeMissing: MayBeMissing, at: string): void {
  const values = numbersOf(input);
  const size = values.length / samplesIn(spec, input.shape);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const element = i % size;
    if (Number.isFinite(value) || (Number.isNaN(value) && mayBeMissing(input.name, element))) continue;
    const what = Number.isNaN(value) ? 'NaN, or null,' : 'infinity';
    const where = `row ${Math.floor(i / size)}, element ${element}`;
    throw new CodedError('NON_FINITE_INPUT', `${input.name} holds ${what} at ${where}`, { at });
  }
}

/** Strings are UTF-8 to ONNX. Looked at here, so that the failure is the request's and not the release's. */
function expectText(input: Tensor, at: string): void {
  try {
    for (const bytes of unpackStrings(input.data, elementsOf(input.shape) ?? 0)) textOf(bytes);
  } catch (cause) {
    const message = `${input.name} does not hold the UTF-8 texts of its shape`;
    throw new CodedError('REQUEST_INVALID', message, { cause, at });
  }
}

/** The shape as V2 metadata shows it: -1 for an axis that is free within bounds. */
export const metadataShape = (spec: TensorSpec): number[] =>
  spec.axes.map((axis) => (axis.min === axis.max ? axis.max : -1));

/** How many samples a tensor of this spec holds: the first axis counts them when it is free, else there is one. */
export function samplesIn(spec: TensorSpec, shape: readonly number[]): number {
  const first = spec.axes[0];
  return first && first.min !== first.max ? (shape[0] ?? 1) : 1;
}

const fits = (spec: TensorSpec, shape: readonly number[]): boolean =>
  shape.length === spec.axes.length &&
  spec.axes.every((axis, i) => {
    const length = shape[i];
    return length !== undefined && length >= axis.min && length <= axis.max;
  });

const axisText = (axis: TensorSpec['axes'][number]): string =>
  axis.min === axis.max ? `${axis.max}` : `${axis.min}..${axis.max}`;
