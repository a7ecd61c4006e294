import { CodedError } from '../errors/index.ts';
import type { TensorSpec } from '../release/index.ts';
import { isFiniteTensor, type Tensor } from './tensor.ts';

/**
 * Whether tensors fit what the manifest says: names, datatypes, shapes within the axes' bounds, finite values. Throws
 * INPUT_MISSING, INPUT_UNKNOWN, DATATYPE_MISMATCH, SHAPE_MISMATCH or NON_FINITE_INPUT naming the first that does not.
 */
export function checkAgainst(specs: readonly TensorSpec[], inputs: readonly Tensor[]): void {
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
    if (!isFiniteTensor(input)) {
      throw new CodedError('NON_FINITE_INPUT', `${input.name} holds NaN or infinity`, { at });
    }
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
