import { createHash } from 'node:crypto';
import { CodedError } from '../errors/index.ts';
import type { BundleContent, BundleFile } from './bundle.ts';

/** Small files of a bundle by their path in it, as they were read. Nothing in them is trusted. */
export type CarriedFiles = Readonly<Record<string, string>>;

/**
 * Checks that every metadata file of a verified bundle and the device's own files are there, byte for byte as they were
 * signed for. Throws BUNDLE_INCOMPLETE or BUNDLE_FILE_CORRUPT naming the file.
 */
export function checkCarriedFiles(bundle: BundleContent, device: string, files: CarriedFiles): void {
  for (const listed of carriedFilesOf(bundle, device)) {
    if (!Object.hasOwn(files, listed.path)) {
      throw new CodedError('BUNDLE_INCOMPLETE', `the bundle lacks ${listed.path}`, { at: listed.path });
    }
    checkListed(listed, Buffer.from(files[listed.path] ?? ''));
  }
}

/** The files of a bundle that a device reads whole: all metadata, and its own assignment and acknowledgements. */
export function carriedFilesOf(bundle: BundleContent, device: string): readonly BundleFile[] {
  const own = new Set([assignmentPath(device), acksPath(device)]);
  return bundle.files.filter(({ path }) => path.startsWith('metadata/') || own.has(path));
}

/** Throws BUNDLE_FILE_CORRUPT. */
export function checkListed({ path, length, sha256 }: BundleFile, bytes: Uint8Array): void {
  const isRight = bytes.length === length && createHash('sha256').update(bytes).digest('hex') === sha256;
  if (!isRight) throw new CodedError('BUNDLE_FILE_CORRUPT', `${path} was changed or cut off`, { at: path });
}

export const assignmentPath = (device: string): string => `assignments/${device}.json`;
export const acksPath = (device: string): string => `acks/${device}.json`;
export const artifactPath = (hex: string): string => `artifacts/sha256/${hex}`;
