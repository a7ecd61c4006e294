import { CodedError, codeOf } from '@ringfleet/shared/errors';
import { predictionsOf } from '@ringfleet/shared/stats';
import {
  checkAgainst,
  decodeInferRequest,
  decodeInferResponse,
  isFiniteTensor,
  numbersOf,
  type Tensor,
} from '@ringfleet/shared/v2';
import type { InferCall, ShadowReply } from '../ports/runtime.ts';
import type { ModelSession } from './model-session.ts';

/** Without labels two answers agree when their outputs are this close. */
const SAME_DISTANCE = 0.001;

/** Runs a live request that the active release has answered, and compares the answers. Counts nothing. Never throws. */
export async function checkShadow(
  session: ModelSession,
  call: InferCall,
  answer: InferCall,
  onRun: () => void,
): Promise<ShadowReply> {
  try {
    const request = decodeInferRequest(call.body, call.headerBytes);
    checkAgainst(session.manifest.inputs, request.inputs, session.mayBeMissing);
    const active = decodeInferResponse(answer.body, answer.headerBytes);
    onRun();
    const { outputs, raw, computeUs } = await session.run(request.inputs);
    const broken = raw.find((output) => !isFiniteTensor(output));
    if (broken) throw new CodedError('NON_FINITE_OUTPUT', `output ${broken.name} holds NaN or infinity`);
    return { ok: true, computeUs, ...compare(active.outputs, outputs, session.manifest.labels) };
  } catch (err) {
    const message = err instanceof Error ? err.message : String(err);
    return { ok: false, code: codeOf(err, 'INFER_FAILED'), message: message.slice(0, 1000) };
  }
}

/** `distance` is Σ|a−b| / (Σ|a|+Σ|b|) over all outputs that both have: 0 is the same, 1 as far as can be. */
export function compare(
  active: readonly Tensor[],
  candidate: readonly Tensor[],
  labels: { readonly output: string; readonly names: readonly string[] } | undefined,
): { readonly agrees: boolean; readonly distance: number } {
  let difference = 0;
  let size = 0;
  let agrees: boolean | undefined;
  let compared = 0;
  for (const before of active) {
    const after = candidate.find((output) => output.name === before.name);
    const isComparable =
      after && after.datatype === before.datatype && after.shape.join() === before.shape.join();
    if (!isComparable || before.datatype === 'BYTES') continue;
    compared += 1;
    const [a, b] = [numbersOf(before), numbersOf(after)];
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i] as number, b[i] as number];
      difference += Math.abs(x - y);
      size += Math.abs(x) + Math.abs(y);
    }
    if (before.name === labels?.output) agrees = sameClasses(a, b, labels.names.length);
  }
  if (compared === 0)
    throw new CodedError('SHADOW_NOT_COMPARABLE', 'the two answers have no output in common');
  const distance = size === 0 ? 0 : Math.min(1, difference / size);
  return { agrees: agrees ?? distance <= SAME_DISTANCE, distance };
}

function sameClasses(a: ArrayLike<number>, b: ArrayLike<number>, classes: number): boolean {
  const other = predictionsOf(b, classes);
  return predictionsOf(a, classes).every((one, i) => one.index === other[i]?.index);
}
