import { CodedError } from '@ringfleet/shared/errors';
import { decodeInferResponse, encodeInferResponse } from '@ringfleet/shared/v2';
import type { InferCall, InferReply } from '../ports/runtime.ts';

/** What stands where the version of a release stands otherwise. */
export const CONSTANT = 'constant';
/** The agent's loop reads no more JSON than this to see how an answer is wanted; then all of it goes as JSON. */
const MAX_READ_BYTES = 64 * 1024;

interface Wish {
  readonly id?: unknown;
  readonly parameters?: { readonly binary_data_output?: unknown };
  readonly outputs?: readonly {
    readonly name?: unknown;
    readonly parameters?: { readonly binary_data?: unknown };
  }[];
}

/**
 * Answers every request with the same outputs, given as in a V2 response (`name`, `datatype`, `shape`, `data`): those it
 * names, in the form it asks for. Throws CONFIG_INVALID for outputs that are none.
 */
export function constantAnswer(model: string, outputs: readonly unknown[]): (call: InferCall) => InferReply {
  const tensors = tensorsOf(model, outputs);
  return (call) => {
    const wish = wishOf(call);
    const isRaw = call.headerBytes === 0 || wish.parameters?.binary_data_output === true;
    const named = Array.isArray(wish.outputs) && wish.outputs.length > 0 ? wish.outputs : undefined;
    const wanted = named ? tensors.filter(({ name }) => named.some((one) => one.name === name)) : tensors;
    const isBinary = (output: string): boolean => {
      const own = named?.find(({ name }) => name === output)?.parameters?.binary_data;
      return typeof own === 'boolean' ? own : isRaw;
    };
    const id = typeof wish.id === 'string' ? { id: wish.id.slice(0, 256) } : {};
    const response = { ...id, modelName: model, modelVersion: CONSTANT, outputs: wanted };
    return { ok: true, computeUs: 0, ...encodeInferResponse(response, isBinary) };
  };
}

function tensorsOf(model: string, outputs: readonly unknown[]) {
  try {
    return decodeInferResponse(Buffer.from(JSON.stringify({ outputs }))).outputs;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('CONFIG_INVALID', `the constant of ${model}: ${why}`, { cause, at: '/models/list' });
  }
}

/** Whatever cannot be read asks for nothing in particular: nobody is here to say what is wrong with it. */
function wishOf({ body, headerBytes }: InferCall): Wish {
  const bytes = headerBytes ?? body.length;
  if (bytes === 0 || bytes > MAX_READ_BYTES) return {};
  try {
    const wish: unknown = JSON.parse(Buffer.from(body.subarray(0, bytes)).toString('utf8'));
    return typeof wish === 'object' && wish !== null ? wish : {};
  } catch {
    return {};
  }
}
