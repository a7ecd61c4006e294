import { codeOf } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import { checkAgainst, decodeInferResponse, numbersOf, type Tensor } from '@ringfleet/shared/v2';
import type { CheckResult } from '../ports/runtime.ts';
import type { ModelSession } from './model-session.ts';
import { median, readRequest, readSample, sampleFiles } from './samples.ts';

/** Whether this device gives the outputs the release gave when it was built, within the manifest's tolerances. */
export async function checkConformance(
  session: ModelSession,
  slotDir: string,
  onRun: () => void,
): Promise<CheckResult> {
  const { conformance } = session.manifest;
  const times: number[] = [];
  let at = conformance.path;
  try {
    for (const sample of sampleFiles(session.manifest, conformance.path, conformance.count)) {
      at = sample.path;
      const request = await readRequest(slotDir, sample.path);
      const { body, headerBytes } = await readSample(slotDir, `${conformance.path}/${sample.name}.res`);
      const expected = decodeInferResponse(body, headerBytes);
      checkAgainst(session.manifest.inputs, request.inputs);
      onRun();
      const { outputs, computeUs } = await session.run(request.inputs);
      times.push(computeUs);
      const wrong = firstDifference(expected.outputs, outputs, conformance.tolerances);
      if (wrong)
        return { ok: false, code: 'CONFORMANCE_FAILED', sentence: `Sample ${sample.path}: ${wrong}.` };
    }
  } catch (err) {
    const message = err instanceof Error ? err.message : String(err);
    return {
      ok: false,
      code: codeOf(err, 'CONFORMANCE_FAILED'),
      sentence: `Sample ${at}: ${message}`.slice(0, 900),
    };
  }
  const sentence = `All ${times.length} conformance samples gave the outputs of the build within tolerance.`;
  return { ok: true, count: times.length, sentence, medianUs: median(times) };
}

/** Says how the outputs differ, or undefined when every value is within `absolute + relative · |expected|`. */
export function firstDifference(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
  tolerances: Manifest['conformance']['tolerances'],
): string | undefined {
  for (const want of expected) {
    const got = actual.find((output) => output.name === want.name);
    if (!got) return `output ${want.name} is missing`;
    if (got.datatype !== want.datatype || got.shape.join() !== want.shape.join()) {
      return `output ${want.name} is ${got.datatype} [${got.shape}], not ${want.datatype} [${want.shape}]`;
    }
    if (want.datatype === 'BYTES') {
      if (Buffer.compare(want.data, got.data) !== 0) return `output ${want.name} holds other strings`;
      continue;
    }
    const a = numbersOf(want);
    const b = numbersOf(got);
    for (let i = 0; i < a.length; i++) {
      const x = a[i] as number;
      const y = b[i] as number;
      // Written so that NaN on one side only is a difference.
      if (x !== y && !(Math.abs(x - y) <= tolerances.absolute + tolerances.relative * Math.abs(x))) {
        return `output ${want.name} has ${y} at ${i} where the build had ${x}`;
      }
    }
  }
  return undefined;
}
