import canonicalize from 'canonicalize';
import { CodedError } from '../errors/index.ts';
import type { Manifest } from './manifest.ts';
import { readManifest } from './read-manifest.ts';

/** A manifest's bytes: RFC 8785 JSON, the same for the same content everywhere. Throws MANIFEST_INVALID. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  let text: string | undefined;
  try {
    text = canonicalize(manifest);
  } catch (cause) {
    throw new CodedError('MANIFEST_INVALID', 'the manifest holds something that JSON cannot carry', {
      cause,
    });
  }
  const bytes = new TextEncoder().encode(text);
  readManifest(bytes);
  return bytes;
}
