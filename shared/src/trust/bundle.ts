import { createHash } from 'node:crypto';
import { CodedError } from '../errors/index.ts';
import { readBundle } from './bundle-format.ts';
import type { FileMeta } from './online-roles.ts';
import { tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { parseDocument } from './signed-document.ts';
import type { Root, SignedPart } from './types.ts';

/** The longest life of a bundle: a device that nobody visits for longer installs nothing from it. */
export const MAX_BUNDLE_MS = 90 * 86_400_000;

/** One file of a bundle, by its path in the folder. */
export interface BundleFile {
  readonly path: string;
  readonly length: number;
  /** Bare hex. */
  readonly sha256: string;
}

/** What the director says of a folder that is carried by hand. It stands in for timestamp and snapshot. */
export interface BundleContent {
  readonly fleet: string;
  /** Grows with every bundle of the fleet. */
  readonly version: number;
  readonly directorEpoch: number;
  readonly issuedAt: number;
  readonly expires: number;
  readonly devices: readonly string[];
  /** What a snapshot would say: every targets role, `targets.json` and `m.<model>.json`. */
  readonly meta: Readonly<Record<string, FileMeta>>;
  readonly files: readonly BundleFile[];
}

/** What a device keeps of the last bundle it accepted. */
export interface AcceptedBundle {
  readonly directorEpoch: number;
  readonly version: number;
  /** Of the document's text; bare hex. */
  readonly sha256: string;
}

export interface Bundle extends BundleContent, AcceptedBundle {
  /** The very bundle that is accepted already. */
  readonly isKnown: boolean;
}

export interface BundleCheck {
  readonly fleet: string;
  readonly device: string;
  readonly nowMs: number;
  readonly last: AcceptedBundle | null;
}

/** The signed part of a bundle; its `_type` is its own, so that no other document of the director can pass for one. */
export function buildBundle(content: BundleContent): SignedPart {
  const { version, expires, meta, files, ...rest } = content;
  const named = ({ sha256, ...more }: { readonly sha256: string }) => ({ ...more, hashes: { sha256 } });
  return {
    _type: 'x-ringfleet-bundle',
    version,
    expires: tufTime(expires),
    ...rest,
    devices: [...rest.devices],
    meta: Object.fromEntries(Object.entries(meta).map(([file, one]) => [file, named(one)])),
    files: Object.fromEntries(files.map(({ path, ...one }) => [path, named(one)])),
  };
}

/**
 * Checks a bundle under the root of today: signed by the director, of its epoch, for this fleet and device, in date, good for
 * 90 days at most, and not older than the last. Throws the codes of signatures, DIRECTOR_EPOCH_UNKNOWN, BUNDLE_NOT_MINE,
 * BUNDLE_LIFE_TOO_LONG, BUNDLE_EXPIRED or BUNDLE_REPLAYED.
 */
export function verifyBundle(root: Root, text: string, check: BundleCheck): Bundle {
  const document = parseDocument(text);
  verifySignatures('the bundle', root.director, document);
  const content = readBundle(document);
  if (content.directorEpoch !== root.director.epoch) {
    throw new CodedError(
      'DIRECTOR_EPOCH_UNKNOWN',
      `the bundle is of director epoch ${content.directorEpoch}, the root names ${root.director.epoch}`,
    );
  }
  if (content.fleet !== check.fleet || !content.devices.includes(check.device)) {
    throw new CodedError(
      'BUNDLE_NOT_MINE',
      `the bundle is for ${shown(content.devices)} of fleet ${content.fleet}; this is ${check.device} of ${check.fleet}`,
    );
  }
  if (content.expires - content.issuedAt > MAX_BUNDLE_MS) {
    const until = tufTime(content.expires);
    throw new CodedError(
      'BUNDLE_LIFE_TOO_LONG',
      `the bundle of ${tufTime(content.issuedAt)} is to last until ${until}`,
    );
  }
  if (content.expires <= check.nowMs)
    throw new CodedError('BUNDLE_EXPIRED', `the bundle expired at ${tufTime(content.expires)}`);
  const bundle = { ...content, sha256: createHash('sha256').update(text).digest('hex') };
  return { ...bundle, isKnown: checkNotReplayed(bundle, check.last) };
}

/** True for the very bundle that was accepted last. Another one of the same version is refused like an older one. */
function checkNotReplayed(next: AcceptedBundle, last: AcceptedBundle | null): boolean {
  if (last === null || next.directorEpoch > last.directorEpoch) return false;
  if (next.directorEpoch === last.directorEpoch) {
    if (next.version > last.version) return false;
    if (next.version === last.version && next.sha256 === last.sha256) return true;
  }
  throw new CodedError(
    'BUNDLE_REPLAYED',
    `the bundle has version ${next.version} of epoch ${next.directorEpoch}; version ${last.version} of epoch ${last.directorEpoch} was taken already`,
  );
}

const shown = (devices: readonly string[]): string =>
  devices.length <= 3
    ? devices.join(', ')
    : `${devices.slice(0, 3).join(', ')} and ${devices.length - 3} more`;
