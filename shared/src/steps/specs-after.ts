import { CodedError } from '../errors/index.ts';
import type { TensorSpec } from '../release/index.ts';
import type { PostStep, PreStep } from './step-schemas.ts';

type Axis = TensorSpec['axes'][number];

/** What the model is given for inputs of these specs. Throws RELEASE_SOURCE_INVALID for a step that cannot work on them. */
export function specsAfterPre(steps: readonly PreStep[], inputs: readonly TensorSpec[]): TensorSpec[] {
  return steps.reduce<TensorSpec[]>(
    (specs, step) => specs.map((spec) => (spec.name === step.input ? before(step, spec) : spec)),
    [...inputs],
  );
}

/** What is answered for outputs of these specs. Throws RELEASE_SOURCE_INVALID. */
export function specsAfterPost(steps: readonly PostStep[], outputs: readonly TensorSpec[]): TensorSpec[] {
  return steps.reduce<TensorSpec[]>(
    (specs, step) => {
      if (!specs.some((spec) => spec.name === step.output))
        throw misfit(step.op, `there is no output ${step.output}`);
      return specs.flatMap((spec) => (spec.name === step.output ? after(step, spec) : [spec]));
    },
    [...outputs],
  );
}

function before(step: PreStep, spec: TensorSpec): TensorSpec {
  if (spec.datatype === 'BYTES') throw misfit(step.op, `${spec.name} holds text`);
  const { axes } = spec;
  switch (step.op) {
    case 'normalise': {
      const axis = axes[step.axis ?? axes.length - 1];
      for (const numbers of [step.mean ?? [0], step.std ?? [1]]) {
        if (numbers.length > 1 && !(axis && axis.min === axis.max && axis.max === numbers.length))
          throw misfit(
            step.op,
            `${numbers.length} numbers for ${axis?.max ?? 'no'} channels of ${spec.name}`,
          );
      }
      return { ...spec, datatype: 'FP32' };
    }
    case 'resize': {
      const [n, c] = imageAxes(step.op, spec, step.layout);
      const size = [fixed(step.height), fixed(step.width)];
      const datatype = step.mode === 'nearest' ? spec.datatype : 'FP32';
      return { ...spec, datatype, axes: step.layout === 'NCHW' ? [n, c, ...size] : [n, ...size, c] };
    }
    case 'channelOrder': {
      if ('layout' in step) {
        const [, c] = imageAxes(step.op, spec, step.layout);
        if (c.min !== 3 || c.max !== 3) throw misfit(step.op, `${spec.name} has no 3 channels`);
        return spec;
      }
      const [n, c, h, w] = imageAxes(step.op, spec, step.from);
      return { ...spec, axes: step.to === 'NCHW' ? [n, c, h, w] : [n, h, w, c] };
    }
    case 'cast':
      if (step.to === 'BYTES') throw misfit(step.op, `${spec.name} cannot become text`);
      return { ...spec, datatype: step.to };
    default:
      return step satisfies never;
  }
}

function after(step: PostStep, spec: TensorSpec): TensorSpec[] {
  if (spec.datatype === 'BYTES') throw misfit(step.op, `${spec.name} holds text`);
  switch (step.op) {
    case 'softmax':
      return [{ ...spec, datatype: 'FP32' }];
    case 'topK': {
      const last = spec.axes.at(-1);
      if (!last) throw misfit(step.op, `${spec.name} is a scalar`);
      const axes = [
        ...spec.axes.slice(0, -1),
        { min: Math.min(step.k, last.min), max: Math.min(step.k, last.max) },
      ];
      return [
        { ...spec, axes },
        { name: step.indices, datatype: 'INT64', axes },
      ];
    }
    case 'labels':
      return [{ ...spec, datatype: 'BYTES' }];
    case 'threshold':
      return [{ ...spec, datatype: 'BOOL' }];
    default:
      return step satisfies never;
  }
}

/** Batch, channels, height, width. */
function imageAxes(
  op: string,
  { name, axes }: TensorSpec,
  layout: 'NCHW' | 'NHWC',
): [Axis, Axis, Axis, Axis] {
  const [n, second, third, fourth] = axes;
  if (!n || !second || !third || !fourth || axes.length !== 4)
    throw misfit(op, `${name} is no ${layout} image`);
  return layout === 'NCHW' ? [n, second, third, fourth] : [n, fourth, second, third];
}

const fixed = (length: number) => ({ min: length, max: length });

const misfit = (op: string, what: string): CodedError =>
  new CodedError('RELEASE_SOURCE_INVALID', `step ${op}: ${what}`, { at: op });
