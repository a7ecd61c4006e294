import { createHash } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { MAX_MANIFEST_BYTES, type Manifest, readManifest } from '@ringfleet/shared/release';
import {
  type ModelRole,
  readModelRole,
  readRoot,
  type SignedRelease,
  verifyModelRole,
  verifyTargets,
} from '@ringfleet/shared/trust';
import type { Release } from '../../core/domain.ts';
import type { BlobStore, Change, Stores } from '../../ports/stores.ts';

/**
 * Takes a signed `m.<model>` document: checks root → targets → m.<model>, and that everything its new releases name was
 * uploaded and fits. Only then it is kept; the releases that are new are registered and returned. Releases whose manifest
 * was not uploaded wait until it is and the document comes again. Sent again for nothing new, it changes nothing.
 */
export async function takeReleases(
  metadata: string,
  stores: Stores,
  blobs: BlobStore,
  change: Change,
): Promise<{ model: string; metadataVersion: number; releases: readonly Release[] }> {
  const role = await verifiedRole(metadata, stores, change.atMs);
  const fresh: { release: Release; manifestBytes: Uint8Array }[] = [];
  const absent: SignedRelease[] = [];
  for (const signed of role.releases) {
    const known = await stores.releases.get(role.model, signed.version);
    if (!known) {
      // Signed, and not published yet or never: that must not keep the others back.
      if ((await blobs.size(`sha256:${signed.sha256}`)) === null) absent.push(signed);
      else fresh.push(await checkedRelease(role.model, signed, blobs, change));
    } else if (known.digest !== `sha256:${signed.sha256}`) {
      throw new CodedError(
        'RELEASE_CONFLICT',
        `${role.model} ${signed.version} is published with other bytes`,
      );
    }
  }
  const [missing] = absent;
  const isKept = (await stores.trust.get(`m.${role.model}`)) === metadata;
  if (missing && fresh.length === 0 && !isKept) {
    throw new CodedError(
      'ARTIFACT_MISSING',
      `the manifest of ${role.model} ${missing.version} (sha256:${missing.sha256}) was not uploaded`,
    );
  }
  // Metadata first: a release that devices could not verify must never be assignable.
  await stores.trust.put(`m.${role.model}`, role.version, metadata, change);
  for (const { release, manifestBytes } of fresh) await stores.releases.add(release, manifestBytes, change);
  return { model: role.model, metadataVersion: role.version, releases: fresh.map(({ release }) => release) };
}

async function verifiedRole(metadata: string, stores: Stores, nowMs: number): Promise<ModelRole> {
  const rootText = await stores.trust.get('root');
  if (rootText === null) throw new CodedError('TRUST_NOT_INITIALISED');
  const { model } = readModelRole(metadata);
  const targetsText = await stores.trust.get('targets');
  if (targetsText === null) throw new CodedError('MODEL_NOT_DELEGATED', 'no targets role was published yet');
  const targets = verifyTargets(readRoot(rootText), targetsText, nowMs);
  const last = await stores.trust.get(`m.${model}`);
  return verifyModelRole(targets, model, metadata, nowMs, last === null ? 0 : readModelRole(last).version);
}

async function checkedRelease(
  model: string,
  signed: SignedRelease,
  blobs: BlobStore,
  change: Change,
): Promise<{ release: Release; manifestBytes: Uint8Array }> {
  const digest = `sha256:${signed.sha256}`;
  const name = `${model} ${signed.version}`;
  await checkStored(blobs, digest, signed.length, `the manifest of ${name}`);
  if (signed.length > MAX_MANIFEST_BYTES)
    throw new CodedError('MANIFEST_INVALID', `the manifest of ${name} is too large`);
  const manifestBytes = await collect(blobs.read(digest));
  if (createHash('sha256').update(manifestBytes).digest('hex') !== signed.sha256) {
    throw new CodedError('ARTIFACT_MISMATCH', `the stored manifest of ${name} has other bytes`);
  }
  const manifest = readManifest(manifestBytes);
  if (manifest.model !== model || manifest.version !== signed.version) {
    throw new CodedError(
      'ARTIFACT_MISMATCH',
      `the manifest of ${name} is about ${manifest.model} ${manifest.version}`,
    );
  }
  for (const file of manifest.files)
    await checkStored(blobs, file.sha256, file.sizeBytes, `${file.path} of ${name}`);
  return { release: releaseOf(manifest, digest, signed.length, change), manifestBytes };
}

async function checkStored(blobs: BlobStore, digest: string, sizeBytes: number, what: string): Promise<void> {
  const stored = await blobs.size(digest);
  if (stored === null) throw new CodedError('ARTIFACT_MISSING', `${what} (${digest}) was not uploaded`);
  if (stored !== sizeBytes) {
    throw new CodedError('ARTIFACT_MISMATCH', `${what} has ${stored} bytes; the release says ${sizeBytes}`);
  }
}

function releaseOf(manifest: Manifest, digest: string, manifestBytes: number, change: Change): Release {
  return {
    model: manifest.model,
    version: manifest.version,
    digest,
    sizeBytes: manifest.files.reduce((sum, file) => sum + file.sizeBytes, manifestBytes),
    variants: manifest.variants.map((variant) => variant.name),
    description: manifest.description,
    publishedAtMs: change.atMs,
    publishedBy: change.by.name,
    yankedAtMs: null,
  };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
