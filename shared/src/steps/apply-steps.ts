import { CodedError } from '../errors/index.ts';
import type { Tensor } from '../v2/index.ts';
import { channelOrder, resize } from './image-steps.ts';
import { cast, labelled, normalise, softmax, threshold, topK } from './number-steps.ts';
import type { PostStep, PreStep } from './step-schemas.ts';

/** A request's inputs as the model takes them: the same code on the device and where the release is built. */
export function applyPre(steps: readonly PreStep[], inputs: readonly Tensor[]): readonly Tensor[] {
  return steps.reduce<readonly Tensor[]>(
    (tensors, step) => tensors.map((tensor) => (tensor.name === step.input ? before(step, tensor) : tensor)),
    inputs,
  );
}

/** The model's outputs as they are answered. A step for an output that was not asked for does nothing. */
export function applyPost(steps: readonly PostStep[], outputs: readonly Tensor[]): readonly Tensor[] {
  return steps.reduce<readonly Tensor[]>(
    (tensors, step) =>
      tensors.flatMap((tensor) => (tensor.name === step.output ? after(step, tensor) : [tensor])),
    outputs,
  );
}

/** The model's own outputs that the named answers are made of. */
export function sourcesOf(steps: readonly PostStep[], answers: Iterable<string>): Set<string> {
  const names = new Set(answers);
  for (const step of steps.toReversed()) {
    if (step.op === 'topK' && names.delete(step.indices)) names.add(step.output);
  }
  return names;
}

function before(step: PreStep, tensor: Tensor): Tensor {
  switch (step.op) {
    case 'normalise':
      return normalise(step, tensor);
    case 'resize':
      return resize(step, tensor);
    case 'channelOrder':
      return channelOrder(step, tensor);
    case 'cast':
      return cast(tensor, step.to);
    default:
      return unknown(step);
  }
}

function after(step: PostStep, tensor: Tensor): Tensor[] {
  switch (step.op) {
    case 'softmax':
      return [softmax(tensor)];
    case 'topK':
      return topK(tensor, step.k, step.indices);
    case 'labels':
      return [labelled(tensor, step.names)];
    case 'threshold':
      return [threshold(tensor, step.value)];
    default:
      return unknown(step);
  }
}

function unknown(step: never): never {
  throw new CodedError('MANIFEST_INVALID', `there is no step ${JSON.stringify(step)}`);
}
