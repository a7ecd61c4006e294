import { MetaFile, Snapshot } from '@tufjs/models';
import type { BundleContent } from '../bundle.ts';
import { readBundle } from '../bundle-format.ts';
import { SPEC_VERSION, tufTime } from '../read-document.ts';
import { readRoot } from '../root.ts';
import { verifySignatures } from '../signatures.ts';
import { parseDocument } from '../signed-document.ts';
import { attempt } from './attempt.ts';
import type { Trusted } from './metadata.ts';
import type { StoredMetadata } from './refresh.ts';
import { checkNothingWentBack, type TrustedSet } from './trusted-set.ts';

/** Under what name the last accepted bundle is kept beside the roles; no role of a repository is called so. */
export const BUNDLE_ROLE = 'x-ringfleet-bundle';

/** A verified bundle in the place of the snapshot that the timestamp would name: one consistent view over all roles. */
export function snapshotOf(bundle: BundleContent, text: string): Trusted<Snapshot> {
  const meta = Object.entries(bundle.meta).map(([file, { version, length, sha256 }]) => {
    return [file, new MetaFile({ version, length, hashes: { sha256 } })] as const;
  });
  const { version, expires } = bundle;
  return {
    signed: new Snapshot({
      specVersion: SPEC_VERSION,
      version,
      expires: tufTime(expires),
      meta: Object.fromEntries(meta),
    }),
    document: parseDocument(text),
    bytes: Buffer.from(text),
  };
}

/**
 * 5.5.5 across both ways in: what the last accepted bundle listed may not go away or go back either. A bundle that today's
 * director did not sign is no measure (5.3.11).
 */
export function checkNotBehindBundle(set: TrustedSet, stored: StoredMetadata): void {
  const kept = stored.roles.get(BUNDLE_ROLE);
  if (kept === undefined || set.snapshot === null) return;
  const known = attempt(() => {
    const document = parseDocument(textOf(kept));
    verifySignatures('the last bundle', readRoot(textOf(set.root.bytes)).director, document);
    return readBundle(document);
  });
  if (known) checkNothingWentBack('the last bundle', known.meta, set.snapshot.signed);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
