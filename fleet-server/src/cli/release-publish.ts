import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  modelRoleName,
  readModelRole,
  signingProgress,
  type TargetsRole,
  verifyModelRole,
} from '@ringfleet/shared/trust';
import type { DistFolder } from './built-release.ts';
import type { CliContext } from './context.ts';
import type { TrustFolder } from './trust-folder.ts';
import { keyLabel } from './trust-key-names.ts';

type Link = Pick<CliContext, 'request' | 'upload' | 'progress'>;

export interface Published {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly uploaded: number;
  readonly uploadedBytes: number;
  /** Files the server had already. */
  readonly skipped: number;
}

const PROGRESS_MS = 1_000;

/**
 * Uploads the files the server does not have, by digest, then registers the release with its signed metadata. A publish
 * that was cut off is simply repeated. Throws RELEASE_NOT_SIGNED before anything is sent.
 */
export async function publishRelease(link: Link, dist: DistFolder, trust: TrustFolder): Promise<Published> {
  const { model, version } = dist.manifest;
  const metadata = await signedMetadata(dist, trust);
  const artifacts = artifactsOf(dist);
  const totalBytes = artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0);
  link.progress(`publishing ${model} ${version}: ${artifacts.length} files, ${kilobytes(totalBytes)}`);
  let uploaded = 0;
  let uploadedBytes = 0;
  let shownAtMs = Date.now();
  for (const [i, { hex, path, sizeBytes }] of artifacts.entries()) {
    const isThere =
      (await link.request('HEAD', `artifacts/sha256/${hex}`, undefined, { expect: [404] })) !== null;
    if (!isThere) {
      await link.upload(`artifacts/sha256/${hex}`, createReadStream(join(dist.folder, path)), sizeBytes);
      uploaded++;
      uploadedBytes += sizeBytes;
    }
    if (Date.now() - shownAtMs < PROGRESS_MS) continue;
    shownAtMs = Date.now();
    link.progress(`${i + 1} of ${artifacts.length} files, ${kilobytes(uploadedBytes)} sent`);
  }
  await link.request('POST', 'releases', { metadata });
  const digest = `sha256:${dist.manifestSha256}`;
  return { model, version, digest, uploaded, uploadedBytes, skipped: artifacts.length - uploaded };
}

async function signedMetadata(dist: DistFolder, trust: TrustFolder): Promise<string> {
  const { model, version } = dist.manifest;
  const { targets } = await trust.verified();
  const text = await trust.metadataOrNull(`${modelRoleName(model)}.json`);
  const signed = text && readModelRole(text).releases.find((release) => release.version === version);
  if (text && signed && signed.sha256 === dist.manifestSha256) {
    // Below the threshold it says who is missing; under new keys, that they have to sign.
    await expectSigned(text, targets, model, trust);
    return text;
  }
  const open = await trust.draftOf(modelRoleName(model));
  if (open && readModelRole(open.draft.document).releases.some((release) => release.version === version)) {
    await expectSigned(open.draft.document, targets, model, trust);
  }
  throw new CodedError(
    'RELEASE_NOT_SIGNED',
    `${model} ${version} in ${dist.folder} is not signed in ${trust.path}`,
  );
}

async function expectSigned(
  text: string,
  targets: TargetsRole,
  model: string,
  trust: TrustFolder,
): Promise<void> {
  const role = targets.models.get(model);
  const progress = role && signingProgress(text, role);
  if (progress && !progress.isMet) {
    const names = await trust.keyNames();
    const who = progress.missing.map((keyid) => keyLabel(keyid, names)).join(', ');
    throw new CodedError(
      'THRESHOLD_NOT_MET',
      `m.${model} has ${progress.signed.length} of ${progress.threshold} signatures; still to sign: ${progress.threshold - progress.signed.length} of ${who}`,
    );
  }
  verifyModelRole(targets, model, text, null);
}

function artifactsOf(dist: DistFolder): { hex: string; path: string; sizeBytes: number }[] {
  const files = dist.manifest.files.map(({ path, sizeBytes, sha256 }) => ({
    hex: sha256.slice('sha256:'.length),
    path,
    sizeBytes,
  }));
  const manifest = { hex: dist.manifestSha256, path: 'manifest.json', sizeBytes: dist.manifestLength };
  return [...new Map([...files, manifest].map((artifact) => [artifact.hex, artifact])).values()];
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
