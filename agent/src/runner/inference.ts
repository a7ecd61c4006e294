import { CodedError, codeOf } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import {
  checkAgainst,
  decodeInferRequest,
  decodeRawRequest,
  encodeInferResponse,
  type InferRequest,
  isFiniteTensor,
  type Tensor,
  writeDegraded,
} from '@ringfleet/shared/v2';
import type { InferCall, InferReply } from '../ports/runtime.ts';
import { classified } from './classification.ts';
import type { Counters } from './counters.ts';
import type { Seen } from './feature-watch.ts';
import type { ModelSession } from './model-session.ts';

const BLAMED: ReadonlySet<string> = new Set(['INFER_FAILED', 'NON_FINITE_OUTPUT']);

/** One live request from wire to wire: decode, check, run, check, encode, count. Never throws. */
export async function infer(
  session: ModelSession,
  counters: Counters,
  call: InferCall,
  onRun: () => void,
): Promise<InferReply> {
  const arrivedAt = performance.now();
  let request: InferRequest | undefined;
  let seen: Seen;
  try {
    request =
      call.headerBytes === 0
        ? decodeRawRequest(session.manifest.inputs, call.body)
        : decodeInferRequest(call.body, call.headerBytes);
    checkAgainst(session.manifest.inputs, request.inputs, session.mayBeMissing);
    checkOutputs(session.manifest, request);
    seen = counters.check(request.inputs);
  } catch (err) {
    const code = codeOf(err, 'REQUEST_INVALID');
    counters.rejected(code === 'NON_FINITE_INPUT' ? request?.inputs : undefined);
    return refusal('client', code, err);
  }
  try {
    onRun();
    const { outputs, raw, beganAt, computeUs } = await session.run(
      request.inputs,
      wantedOf(session.manifest, request),
    );
    const broken = raw.find((output) => !isFiniteTensor(output));
    if (broken) throw new CodedError('NON_FINITE_OUTPUT', `output ${broken.name} holds NaN or infinity`);
    const degraded = seen.degraded.length > 0 ? { degraded: writeDegraded(seen.degraded) } : {};
    const wire = answer(session.manifest, request, outputs, degraded);
    const inputUs = Math.round((beganAt - arrivedAt) * 1000);
    const outputUs = Math.round((performance.now() - beganAt) * 1000) - computeUs;
    counters.answered(seen, raw, computeUs);
    return { ok: true, ...wire, computeUs, inputUs, outputUs, ...degraded };
  } catch (err) {
    const code = codeOf(err, 'INFER_FAILED');
    // Whatever a release makes of input that its own schema does not allow, it is not to blame for.
    if (!seen.isSound && BLAMED.has(code)) {
      counters.rejected();
      return refusal('client', 'INPUT_UNANSWERABLE', err);
    }
    counters.failed(code);
    return refusal('release', code, err);
  }
}

/** The outputs a request needs computed: those it names, and the one whose classes are counted. */
function wantedOf(manifest: Manifest, request: InferRequest): ReadonlySet<string> | undefined {
  if (!request.outputs) return undefined;
  const wanted = new Set(request.outputs.map((asked) => asked.name));
  return manifest.labels ? wanted.add(manifest.labels.output) : wanted;
}

function answer(
  manifest: Manifest,
  request: InferRequest,
  outputs: readonly Tensor[],
  degraded: { readonly degraded?: string },
) {
  const wanted = request.outputs?.map((asked) => {
    const output = outputs.find((candidate) => candidate.name === asked.name) as Tensor;
    return asked.classification === undefined
      ? output
      : classified(output, asked.classification, manifest.labels);
  });
  const response = {
    ...(request.id === undefined ? {} : { id: request.id }),
    modelName: manifest.model,
    modelVersion: manifest.version,
    outputs: wanted ?? outputs,
    ...degraded,
  };
  const isBinary = (name: string): boolean =>
    request.outputs?.find((asked) => asked.name === name)?.binary ?? request.binaryDefault;
  return encodeInferResponse(response, isBinary);
}

function checkOutputs(manifest: Manifest, request: InferRequest): void {
  for (const asked of request.outputs ?? []) {
    const spec = manifest.outputs.find((output) => output.name === asked.name);
    if (!spec) throw new CodedError('OUTPUT_UNKNOWN', `the model has no output ${asked.name}`);
    if (asked.classification !== undefined && spec.datatype === 'BYTES') {
      throw new CodedError('REQUEST_INVALID', `output ${asked.name} holds no scores to classify`);
    }
  }
}

const refusal = (fault: 'client' | 'release', code: string, err: unknown): InferReply => ({
  ok: false,
  fault,
  code,
  message: (err instanceof Error ? err.message : String(err)).slice(0, 1000),
});
