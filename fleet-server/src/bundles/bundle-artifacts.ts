import { CodedError } from '@ringfleet/shared/errors';
import { filesOfVariants, type Manifest, readManifest } from '@ringfleet/shared/release';
import { type AssignmentModel, artifactPath, type BundleFile } from '@ringfleet/shared/trust';
import type { Device } from '../core/domain.ts';
import { fittingVariants } from '../core/fitting-variants.ts';
import type { ReleaseStore } from '../ports/stores.ts';

/** What one device is to run. */
export interface DeviceModels {
  readonly device: Device;
  readonly models: readonly AssignmentModel[];
}

/** The manifests and the files of the variants that these devices may take, each once. Throws RELEASE_UNKNOWN. */
export async function bundleArtifacts(
  releases: ReleaseStore,
  assigned: readonly DeviceModels[],
): Promise<readonly BundleFile[]> {
  const manifests = new Map<string, Manifest>();
  const files = new Map<string, BundleFile>();
  const add = (sha256: string, length: number): void => {
    files.set(sha256, { path: artifactPath(sha256), length, sha256 });
  };
  for (const { device, models } of assigned) {
    for (const { model, version, variants, manifestSha256, manifestLength } of models) {
      const manifest = manifests.get(manifestSha256) ?? (await manifestOf(releases, model, version));
      manifests.set(manifestSha256, manifest);
      add(manifestSha256, manifestLength);
      for (const file of filesOfVariants(
        manifest,
        fittingVariants(manifest, variants, device.capabilities),
      )) {
        add(file.sha256.slice('sha256:'.length), file.sizeBytes);
      }
    }
  }
  return [...files.values()];
}

async function manifestOf(releases: ReleaseStore, model: string, version: string): Promise<Manifest> {
  const bytes = await releases.manifest(model, version);
  if (bytes === null) throw new CodedError('RELEASE_UNKNOWN', `${model} ${version} is not published`);
  return readManifest(bytes);
}
