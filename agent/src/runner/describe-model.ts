import { CodedError } from '@ringfleet/shared/errors';
import type { TensorSpec } from '@ringfleet/shared/release';
import { datatypeOf } from '@ringfleet/shared/v2';
import { ONE_THREAD } from '../core/run-profile.ts';
import type { BackendChoice, ValueInfo } from './backends/backend.ts';
import { openBackend } from './backends/open-backend.ts';
import type { ModelSignature } from './messages.ts';

const UNBOUNDED = 0x7fff_ffff;

/**
 * Inputs and outputs as the model file itself says them; a free axis has no bound. Outputs that are no tensors are left
 * out. Throws MODEL_LOAD_FAILED, also for inputs that V2 cannot carry.
 */
export async function describeModel(path: string, choice?: BackendChoice): Promise<ModelSignature> {
  const backend = await openBackend(choice);
  const session = await backend.open(path, {
    provider: 'cpu',
    isStrict: true,
    settings: ONE_THREAD,
  });
  const inputs = session.inputs.map((input) => {
    const spec = specOf(input);
    if (spec) return spec;
    throw new CodedError('MODEL_LOAD_FAILED', `input ${input.name} is no tensor that V2 can carry`);
  });
  const outputs = session.outputs.flatMap((output) => specOf(output) ?? []);
  if (outputs.length === 0)
    throw new CodedError('MODEL_LOAD_FAILED', 'no output is a tensor that V2 can carry');
  return { inputs, outputs };
}

function specOf(value: ValueInfo): TensorSpec | undefined {
  const datatype = value.type === undefined ? undefined : datatypeOf(value.type);
  if (!datatype) return undefined;
  const axes = value.shape.map((axis) =>
    typeof axis === 'number' && axis >= 0
      ? { min: axis, max: Math.max(1, axis) }
      : { ...(typeof axis === 'string' && axis ? { name: axis.slice(0, 64) } : {}), min: 1, max: UNBOUNDED },
  );
  return { name: value.name, datatype, axes };
}
