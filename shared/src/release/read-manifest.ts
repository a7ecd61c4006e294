import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { expectationFault } from './feature-spec.ts';
import { Manifest } from './manifest.ts';

export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const check = checkerOf(Manifest, 'manifest', 'MANIFEST_INVALID');

/**
 * Reads a manifest whose bytes were already hashed and matched. Also checks what a schema cannot say: every named file
 * is listed, once, and can lie in a slot with the others. Throws MANIFEST_INVALID.
 */
export function readManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new CodedError('MANIFEST_INVALID', 'manifest is larger than 4 MiB');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CodedError('MANIFEST_INVALID', 'manifest is not JSON', { cause });
  }
  const manifest = check(value);
  const listed = new Set(manifest.files.map((file) => file.path));
  if (listed.size !== manifest.files.length)
    throw new CodedError('MANIFEST_INVALID', 'a file is listed twice', { at: '/files' });
  expectRoom(listed);
  for (const [i, variant] of manifest.variants.entries()) {
    for (const path of [variant.entry, ...variant.files]) {
      if (!listed.has(path)) {
        throw new CodedError(
          'MANIFEST_INVALID',
          `variant ${variant.name} names ${path}, which is not listed`,
          {
            at: `/variants/${i}`,
          },
        );
      }
    }
  }
  expectSteps(manifest);
  expectFeatures(manifest);
  return manifest;
}

/** Files lie beside the manifest in a slot: none may have its place, or be the folder of another one. */
function expectRoom(listed: ReadonlySet<string>): void {
  const folders = [...listed].flatMap((path) =>
    path.split('/').map((_, i, parts) => parts.slice(0, i).join('/')),
  );
  const taken = ['manifest.json', ...folders].find((path) => listed.has(path));
  if (taken === undefined) return;
  throw new CodedError('MANIFEST_INVALID', `${taken} cannot be a file of a release: its place is taken`, {
    at: '/files',
  });
}

/** Throws MANIFEST_INVALID for a step that speaks of a tensor that is not there. */
function expectSteps({ pre, post, inputs, outputs }: Manifest): void {
  const invalid = (at: string, what: string): CodedError => new CodedError('MANIFEST_INVALID', what, { at });
  for (const [i, step] of pre.entries()) {
    if (!inputs.some((input) => input.name === step.input))
      throw invalid(`/pre/${i}`, `step ${step.op} is for an input ${step.input} that is not declared`);
  }
  const names = new Set(outputs.map((output) => output.name));
  for (const [i, step] of post.entries()) {
    for (const name of step.op === 'topK' ? [step.output, step.indices] : [step.output]) {
      if (!names.has(name))
        throw invalid(`/post/${i}`, `step ${step.op} is for an output ${name} that is not declared`);
    }
  }
}

/** Throws MANIFEST_INVALID for a schema that no request could be checked by. */
function expectFeatures({ features, inputs }: Manifest): void {
  for (const [i, feature] of features.entries()) {
    if (!feature.expect) continue;
    const input = inputs.find((candidate) => candidate.name === feature.input);
    const fault =
      input === undefined || input.datatype === 'BYTES'
        ? `there is no input ${feature.input} of numbers`
        : expectationFault(feature, input.datatype.startsWith('FP'));
    if (fault !== undefined)
      throw new CodedError('MANIFEST_INVALID', `feature ${feature.name}: ${fault}`, {
        at: `/features/${i}/expect`,
      });
  }
}
