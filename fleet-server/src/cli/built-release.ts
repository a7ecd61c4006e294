import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { type Manifest, readManifest } from '@ringfleet/shared/release';
import { fileDigest } from '../release-build/release-files.ts';

/** A folder that `ringfleet release build` made, every file checked. */
export interface DistFolder {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly manifestLength: number;
  /** Bare hex. */
  readonly manifestSha256: string;
}

/** Reads a built release and hashes every file it lists. Throws RELEASE_DIST_INVALID or MANIFEST_INVALID. */
export async function readDist(folder: string): Promise<DistFolder> {
  const bytes = await readFile(join(folder, 'manifest.json')).catch((cause: unknown) => {
    throw new CodedError('RELEASE_DIST_INVALID', `${folder} has no manifest.json`, { cause });
  });
  const manifest = readManifest(bytes);
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    const found = (await stat(path).catch(() => null))?.isFile() ? await fileDigest(path) : null;
    if (found === null)
      throw new CodedError('RELEASE_DIST_INVALID', `${file.path} is missing`, { at: file.path });
    if (found.sha256 !== file.sha256) {
      throw new CodedError('RELEASE_DIST_INVALID', `${file.path} was changed since the build`, {
        at: file.path,
      });
    }
  }
  const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
  return { folder, manifest, manifestLength: bytes.length, manifestSha256 };
}
