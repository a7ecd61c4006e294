import { CodedError } from '@ringfleet/shared/errors';
import {
  buildModelRole,
  type ModelRole,
  modelRoleName,
  type SignedRelease,
  signDocument,
  verifyModelRole,
} from '@ringfleet/shared/trust';
import { writeDurably } from '../adapters/write-durably.ts';
import type { DistFolder } from './built-release.ts';
import type { TrustFolder } from './trust-folder.ts';

const YEAR_MS = 365 * 86_400_000;

export interface Signed {
  readonly release: SignedRelease;
  readonly metadataVersion: number;
  /** False when the release was signed before: nothing has changed. */
  readonly isNew: boolean;
}

/**
 * Adds a built release to `m.<model>` of a trust folder, with the next release counter, and signs it. Works offline. The
 * same name and version with other bytes is RELEASE_CONFLICT.
 */
export async function signRelease(
  dist: DistFolder,
  trust: TrustFolder,
  passphrase: string,
  nowMs: number,
): Promise<Signed> {
  const { model, version } = dist.manifest;
  const { targets } = await trust.verified();
  if (!targets.models.has(model)) {
    throw new CodedError('MODEL_NOT_DELEGATED', `${trust.path} names no publisher for model ${model}`);
  }
  const file = `${modelRoleName(model)}.json`;
  const text = await trust.metadataOrNull(file);
  // What is signed again must have been signed before: a changed file would slip in otherwise.
  const last = text === null ? null : verifyModelRole(targets, model, text, null);
  const known = last?.releases.find((release) => release.version === version);
  if (known && last) {
    if (known.sha256 === dist.manifestSha256)
      return { release: known, metadataVersion: last.version, isNew: false };
    throw new CodedError(
      'RELEASE_CONFLICT',
      `${model} ${version} is signed already, with manifest ${known.sha256}; this one is ${dist.manifestSha256}`,
    );
  }
  const release = {
    version,
    releaseCounter: nextCounter(last),
    length: dist.manifestLength,
    sha256: dist.manifestSha256,
  };
  const signer = await trust.signer(model, passphrase);
  const content = {
    model,
    version: (last?.version ?? 0) + 1,
    expires: nowMs + YEAR_MS,
    minReleaseCounter: last?.minReleaseCounter ?? 1,
    releases: [...(last?.releases ?? []), release],
  };
  const signed = signDocument(buildModelRole(content), [signer]);
  verifyModelRole(targets, model, signed, nowMs);
  await writeDurably(trust.metadataPath(file), signed, 0o644);
  return { release, metadataVersion: content.version, isNew: true };
}

const nextCounter = (last: ModelRole | null): number =>
  Math.max(0, ...(last?.releases ?? []).map((release) => release.releaseCounter)) + 1;
