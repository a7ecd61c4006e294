import { createHash } from 'node:crypto';
import { MetaFile, Snapshot, Timestamp } from '@tufjs/models';
import { asSnapshot, asTimestamp, SPEC_VERSION, tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { parseDocument } from './signed-document.ts';
import type { Root, SignedPart } from './types.ts';

/** What a document is named by in the one above it: a change of any byte shows. */
export interface FileMeta {
  readonly version: number;
  readonly length: number;
  /** Bare hex. */
  readonly sha256: string;
}

export interface OnlineContent {
  readonly version: number;
  readonly expires: number;
}

/** A snapshot or timestamp as it was stored, with the keys that signed it. */
export interface OnlineDocument extends OnlineContent {
  readonly meta: Readonly<Record<string, FileMeta>>;
  readonly signedBy: readonly string[];
}

/** What to say of a document that is published. */
export function fileMetaOf(text: string): FileMeta {
  const { version } = parseDocument(text).signed;
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version: Number(version), length: bytes.length, sha256 };
}

/** The signed part of the snapshot: one consistent view, by file name (`targets.json`, `m.<model>.json`). */
export function buildSnapshot(
  content: OnlineContent & { meta: Readonly<Record<string, FileMeta>> },
): SignedPart {
  const files = Object.entries(content.meta).map(([file, meta]) => [file, metaFile(meta)] as const);
  return new Snapshot({ ...common(content), meta: Object.fromEntries(files) }).toJSON() as SignedPart;
}

/** The signed part of the timestamp: which snapshot is the newest. */
export function buildTimestamp(content: OnlineContent & { snapshot: FileMeta }): SignedPart {
  const snapshotMeta = metaFile(content.snapshot);
  return new Timestamp({ ...common(content), snapshotMeta }).toJSON() as SignedPart;
}

/** Reads a snapshot that was made here, without verifying it. */
export function readSnapshot(text: string): OnlineDocument {
  const document = parseDocument(text);
  const { version, expires, meta } = asSnapshot('snapshot', document);
  const files = Object.entries(meta).map(([file, one]) => [file, plain(one)] as const);
  return {
    version,
    expires: Date.parse(expires),
    meta: Object.fromEntries(files),
    signedBy: document.signatures.map(({ keyid }) => keyid),
  };
}

/** Reads a timestamp that was made here, without verifying it. */
export function readTimestamp(text: string): OnlineDocument {
  const document = parseDocument(text);
  const { version, expires, snapshotMeta } = asTimestamp('timestamp', document);
  return {
    version,
    expires: Date.parse(expires),
    meta: { 'snapshot.json': plain(snapshotMeta) },
    signedBy: document.signatures.map(({ keyid }) => keyid),
  };
}

/** A snapshot or timestamp that comes from elsewhere, whatever its date. Throws the codes of signatures. */
export function verifyOnline(root: Root, role: 'snapshot' | 'timestamp', text: string): OnlineDocument {
  verifySignatures(role, root.roles[role], parseDocument(text));
  return role === 'snapshot' ? readSnapshot(text) : readTimestamp(text);
}

const common = ({ version, expires }: OnlineContent) => ({
  specVersion: SPEC_VERSION,
  version,
  expires: tufTime(expires),
});

const metaFile = ({ version, length, sha256 }: FileMeta): MetaFile =>
  new MetaFile({ version, length, hashes: { sha256 } });

const plain = ({ version, length, hashes }: MetaFile): FileMeta => ({
  version,
  length: length ?? 0,
  sha256: hashes?.['sha256'] ?? '',
});
