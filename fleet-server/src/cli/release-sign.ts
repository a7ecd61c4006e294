import { CodedError } from '@ringfleet/shared/errors';
import {
  buildModelRole,
  type ModelRole,
  type ModelRoleContent,
  modelRoleName,
  readModelRole,
  type SignedRelease,
} from '@ringfleet/shared/trust';
import type { DistFolder } from './built-release.ts';
import { type Draft, makeDraft, signDraft } from './trust-draft.ts';
import type { TrustFolder } from './trust-folder.ts';
import { openSigner } from './trust-key.ts';
import { type Outcome, settle } from './trust-signing.ts';

const YEAR_MS = 365 * 86_400_000;

export interface Signed {
  readonly release: SignedRelease;
  readonly metadataVersion: number;
  /** False when the release was signed before: nothing has changed. */
  readonly isNew: boolean;
  /** Null when it was signed before; else who signed and who is still to sign. */
  readonly outcome: Outcome | null;
}

/**
 * Adds a built release to `m.<model>` of a trust folder, with the next release counter, and signs it. Works offline. Where a
 * model asks for several publishers, the first leaves a draft and each other one adds a signature to it, after it was
 * compared with the same built release. The same name and version with other bytes is RELEASE_CONFLICT.
 */
export async function signRelease(
  dist: DistFolder,
  trust: TrustFolder,
  passphrase: string,
  nowMs: number,
  keyFile?: string,
): Promise<Signed> {
  const { model, version } = dist.manifest;
  // What is signed again must have been signed before: a changed file would slip in otherwise.
  const { last, targetsText } = await baseOf(trust, model);
  const known = last?.releases.find((release) => release.version === version);
  if (known && last) {
    if (known.sha256 !== dist.manifestSha256) throw conflict(dist, known);
    return { release: known, metadataVersion: last.version, isNew: false, outcome: null };
  }
  const release = {
    version,
    releaseCounter: nextCounter(last),
    length: dist.manifestLength,
    sha256: dist.manifestSha256,
  };
  const content = {
    ...nextContent(model, last, nowMs + YEAR_MS),
    releases: [...(last?.releases ?? []), release],
  };
  const signer =
    keyFile === undefined ? await trust.signer(model, passphrase) : await openSigner(keyFile, passphrase);
  const open = await trust.draftOf(modelRoleName(model));
  if (open) expectSame(open.draft, content, dist, open.path);
  const draft = open?.draft ?? makeDraft(modelRoleName(model), buildModelRole(content), targetsText);
  const outcome = await settle(trust, signDraft(draft, signer));
  return { release, metadataVersion: content.version, isNew: true, outcome };
}

/** `m.<model>` of a folder to build upon, and the targets role that decides who signs the next one. */
export async function baseOf(
  trust: TrustFolder,
  model: string,
): Promise<{ readonly last: ModelRole | null; readonly targetsText: string }> {
  const { targets } = await trust.verified();
  if (!targets.models.has(model)) {
    throw new CodedError('MODEL_NOT_DELEGATED', `${trust.path} names no publisher for model ${model}`);
  }
  const last = (await trust.lastModelRole(model))?.role ?? null;
  return { last, targetsText: await trust.metadata('targets.json') };
}

/** The next version of `m.<model>`, with nothing else changed. */
export const nextContent = (model: string, last: ModelRole | null, expires: number): ModelRoleContent => ({
  model,
  version: (last?.version ?? 0) + 1,
  expires,
  minReleaseCounter: last?.minReleaseCounter ?? 1,
  releases: last?.releases ?? [],
});

/** Another publisher's draft is signed only when it adds this very release and changes nothing else. */
function expectSame(draft: Draft, expected: ModelRoleContent, dist: DistFolder, path: string): void {
  const offered = readModelRole(draft.document);
  const same = offered.releases.find((release) => release.version === dist.manifest.version);
  if (!same) throw new CodedError('DRAFT_OPEN', undefined, { at: path });
  if (same.sha256 !== dist.manifestSha256) throw conflict(dist, same);
  const withoutDate = ({ version, minReleaseCounter, releases }: ModelRoleContent): string =>
    JSON.stringify([
      version,
      minReleaseCounter,
      ...releases.map((one) => [one.releaseCounter, one.version, one.length, one.sha256].join()).sort(),
    ]);
  if (withoutDate(offered) === withoutDate(expected)) return;
  throw new CodedError('DRAFT_CHANGED', `it changes more than adding ${dist.manifest.version}`, { at: path });
}

function conflict(dist: DistFolder, known: SignedRelease): CodedError {
  const { model, version } = dist.manifest;
  return new CodedError(
    'RELEASE_CONFLICT',
    `${model} ${version} is signed already, with manifest ${known.sha256}; this one is ${dist.manifestSha256}`,
  );
}

const nextCounter = (last: ModelRole | null): number =>
  Math.max(0, ...(last?.releases ?? []).map((release) => release.releaseCounter)) + 1;
