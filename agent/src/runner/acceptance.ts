import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, codeOf } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import type { Manifest } from '@ringfleet/shared/release';
import { predictionsOf } from '@ringfleet/shared/stats';
import { checkAgainst, numbersOf, type Tensor } from '@ringfleet/shared/v2';
import { Type } from 'typebox';
import type { CheckResult } from '../ports/runtime.ts';
import type { AcceptanceBody } from './messages.ts';
import type { ModelSession } from './model-session.ts';
import { median, readRequest, sampleFiles } from './samples.ts';

const Labels = Type.Object({
  labels: Type.Array(Type.Integer({ minimum: 0, maximum: 1023 }), { minItems: 1, maxItems: 100_000 }),
});
const checkLabels = checkerOf(Labels, 'acceptance.json', 'SAMPLE_INVALID');

/**
 * Runs a labelled set, of this release or of another one, on this session and compares its accuracy with the set's own
 * minimum. Labels are matched by name, so that a release with other or fewer classes is judged by what it says.
 */
export async function checkAcceptance(
  session: ModelSession,
  owner: AcceptanceBody,
  onRun: () => void,
): Promise<CheckResult> {
  const { acceptance } = owner.manifest;
  const own = session.manifest.labels;
  if (!acceptance)
    return { ok: true, count: 0, sentence: 'The release has no acceptance samples.', medianUs: 0 };
  if (!own) return refused('SAMPLES_NOT_COMPARABLE', 'The release declares no labels to compare with.');
  const names = owner.manifest.labels?.names ?? own.names;
  const predicted: number[] = [];
  const times: number[] = [];
  let labels: readonly number[];
  try {
    labels = await readLabels(owner, acceptance.path);
    for (const sample of sampleFiles(owner.manifest, acceptance.path, acceptance.count)) {
      const request = await readRequest(owner.slotDir, sample.path);
      checkInputs(session.manifest, request.inputs);
      onRun();
      const { raw, computeUs } = await session.run(request.inputs);
      times.push(computeUs);
      const scores = raw.find((output) => output.name === own.output);
      if (!scores) throw new CodedError('SAMPLES_NOT_COMPARABLE', `there is no output ${own.output}`);
      predicted.push(...predictionsOf(numbersOf(scores), own.names.length).map((best) => best.index));
    }
    if (labels.length !== predicted.length) {
      throw new CodedError('SAMPLE_INVALID', `${labels.length} labels for ${predicted.length} predictions`);
    }
  } catch (err) {
    return refused(codeOf(err, 'ACCEPTANCE_FAILED'), err instanceof Error ? err.message : String(err));
  }
  const right = labels.filter((label, i) => own.names[predicted[i] as number] === names[label]).length;
  const share = right / labels.length;
  const whose =
    owner.manifest.version === session.manifest.version ? 'its own' : `${owner.manifest.version}'s`;
  const facts = `${right} of ${labels.length} samples of ${whose} acceptance set are right (${percent(share)})`;
  if (share < acceptance.minimum) {
    return refused('ACCEPTANCE_FAILED', `${facts}; the set asks for ${percent(acceptance.minimum)}.`);
  }
  const sentence = `${facts}, at least the ${percent(acceptance.minimum)} it asks for.`;
  return { ok: true, count: labels.length, sentence, medianUs: median(times) };
}

async function readLabels(owner: AcceptanceBody, folder: string): Promise<readonly number[]> {
  const path = `${folder}/acceptance.json`;
  try {
    return checkLabels(JSON.parse(await readFile(join(owner.slotDir, path), 'utf8'))).labels;
  } catch (cause) {
    throw new CodedError('SAMPLE_INVALID', `${path} cannot be read`, { cause });
  }
}

function checkInputs(manifest: Manifest, inputs: readonly Tensor[]): void {
  try {
    checkAgainst(manifest.inputs, inputs);
  } catch (cause) {
    throw new CodedError('SAMPLES_NOT_COMPARABLE', cause instanceof Error ? cause.message : undefined, {
      cause,
    });
  }
}

const refused = (code: string, sentence: string): CheckResult => ({
  ok: false,
  code,
  sentence: sentence.slice(0, 900),
});
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
