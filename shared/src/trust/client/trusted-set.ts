import { createHash } from 'node:crypto';
import type { Key, MetaFile, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../errors/index.ts';
import { checkExpiry } from '../read-document.ts';
import { verifyThreshold } from '../signatures.ts';
import { checkNotOlder } from '../targets.ts';
import { readMetadata, type Trusted } from './metadata.ts';
import { type ClientRules, HASH_ALGORITHMS } from './rules.ts';
import { verifiersOf } from './verifiers.ts';

/**
 * What a TUF client trusts at one point of its workflow: a value. Every step takes one and returns the next, or throws
 * and leaves the old one as it was. Clause numbers are those of the TUF specification 1.0.
 */
export interface TrustedSet {
  readonly rules: ClientRules;
  /** 5.1: the update start time, fixed for the whole workflow. */
  readonly nowMs: number;
  readonly root: Trusted<Root>;
  readonly timestamp: Trusted<Timestamp> | null;
  readonly snapshot: Trusted<Snapshot> | null;
  /** `targets` and the delegated roles that were loaded, by name. */
  readonly targets: ReadonlyMap<string, Trusted<Targets>>;
}

/** 5.2: the root that is trusted already; it may be past its date. */
export function openTrustedSet(bytes: Uint8Array, nowMs: number, rules: ClientRules): TrustedSet {
  const root = readMetadata('root', 'the trusted root', bytes, rules.maxBytes.root);
  verifyTopLevel('root', 'the trusted root', root.signed, root, rules);
  return { rules, nowMs, root, timestamp: null, snapshot: null, targets: new Map() };
}

/** The version of a root that a person hands over; it must be signed by its own keys. */
export function initialRootVersion(bytes: Uint8Array, rules: ClientRules): number {
  return openTrustedSet(bytes, 0, rules).root.signed.version;
}

/** 5.3.4 - 5.3.8: the next root of the chain. */
export function nextRoot(set: TrustedSet, bytes: Uint8Array): TrustedSet {
  const { rules, root: trusted } = set;
  const root = readMetadata('root', 'the new root', bytes, rules.maxBytes.root);
  // 5.3.4: signed by a threshold of the old root's keys and by a threshold of its own.
  verifyTopLevel('root', 'the new root (by the keys of the old one)', trusted.signed, root, rules);
  verifyTopLevel('root', 'the new root (by its own keys)', root.signed, root, rules);
  // 5.3.5: exactly the next version.
  const expected = trusted.signed.version + 1;
  if (root.signed.version !== expected) {
    throw new CodedError(
      'METADATA_NOT_NEWER',
      `the new root has version ${root.signed.version}, but ${expected} follows the trusted one`,
    );
  }
  return { ...set, root };
}

/** 5.3.10: the last root of the chain must not be past its date. */
export function checkRootExpiry({ root, nowMs }: TrustedSet): void {
  checkExpiry(`root version ${root.signed.version}`, root.signed.expires, nowMs);
}

/** A stored timestamp, kept for rollback checks only if the root of today still stands behind it (5.3.11). */
export function adoptTimestamp(set: TrustedSet, bytes: Uint8Array): TrustedSet {
  const timestamp = readMetadata('timestamp', 'the stored timestamp', bytes, set.rules.maxBytes.timestamp);
  verifyTopLevel('timestamp', 'the stored timestamp', set.root.signed, timestamp, set.rules);
  return { ...set, timestamp };
}

/** 5.4.2 - 5.4.4: a timestamp from the repository. The same set comes back when it brings nothing newer. */
export function nextTimestamp(set: TrustedSet, bytes: Uint8Array): TrustedSet {
  const timestamp = readMetadata('timestamp', 'timestamp', bytes, set.rules.maxBytes.timestamp);
  // 5.4.2
  verifyTopLevel('timestamp', 'timestamp', set.root.signed, timestamp, set.rules);
  const old = set.timestamp?.signed;
  if (old !== undefined) {
    // 5.4.3.1
    checkNotOlder('timestamp', timestamp.signed.version, old.version);
    if (timestamp.signed.version === old.version) {
      // 5.4.4 for the one that is kept.
      checkExpiry('timestamp', old.expires, set.nowMs);
      return set;
    }
    // 5.4.3.2
    checkNotOlder(
      'timestamp: snapshot.json',
      timestamp.signed.snapshotMeta.version,
      old.snapshotMeta.version,
    );
  }
  // 5.4.4
  checkExpiry('timestamp', timestamp.signed.expires, set.nowMs);
  return { ...set, timestamp };
}

/** A stored snapshot, kept for rollback checks only if the root of today still stands behind it (5.3.11). */
export function adoptSnapshot(set: TrustedSet, bytes: Uint8Array): TrustedSet {
  const snapshot = readMetadata('snapshot', 'the stored snapshot', bytes, set.rules.maxBytes.snapshot);
  verifyTopLevel('snapshot', 'the stored snapshot', set.root.signed, snapshot, set.rules);
  return { ...set, snapshot };
}

/** Whether the stored snapshot is the one that the timestamp names, and not past its date. */
export function isSnapshotFinal(set: TrustedSet): boolean {
  if (set.snapshot === null || set.timestamp === null) return false;
  const { version, expires } = set.snapshot.signed;
  return version === set.timestamp.signed.snapshotMeta.version && Date.parse(expires) > set.nowMs;
}

/** 5.5.2 - 5.5.6: the snapshot that the timestamp names. */
export function nextSnapshot(set: TrustedSet, bytes: Uint8Array): TrustedSet {
  const meta = trusted('timestamp', set.timestamp).signed.snapshotMeta;
  // 5.5.2
  checkFile('snapshot', meta, bytes);
  const snapshot = readMetadata('snapshot', 'snapshot', bytes, set.rules.maxBytes.snapshot);
  // 5.5.3
  verifyTopLevel('snapshot', 'snapshot', set.root.signed, snapshot, set.rules);
  // 5.5.4
  checkVersion('snapshot', meta, snapshot.signed.version);
  // 5.5.5
  if (set.snapshot) checkNothingWentBack('snapshot', set.snapshot.signed.meta, snapshot.signed);
  // 5.5.6
  checkExpiry('snapshot', snapshot.signed.expires, set.nowMs);
  return { ...set, snapshot };
}

/** 5.5.5: nothing that was listed before may go away or go back. */
export function checkNothingWentBack(
  what: string,
  before: Readonly<Record<string, { readonly version: number }>>,
  now: Snapshot,
): void {
  for (const [file, old] of Object.entries(before)) {
    const meta = metaOf(now, file);
    if (meta === null) throw new CodedError('METADATA_NOT_NEWER', `${what} no longer lists ${file}`);
    checkNotOlder(`${what}: ${file}`, meta.version, old.version);
  }
}

/** 5.6.2 - 5.6.5: `targets` (parent `root`) or a delegated role, as the snapshot names it. */
export function nextTargets(set: TrustedSet, role: string, parent: string, bytes: Uint8Array): TrustedSet {
  const meta = targetsMeta(set, role);
  // 5.6.2
  checkFile(role, meta, bytes);
  const targets = readMetadata('targets', role, bytes, set.rules.maxBytes.targets);
  // 5.6.3
  verifyDelegated(set, role, parent, targets);
  // 5.6.4
  checkVersion(role, meta, targets.signed.version);
  // 5.6.5
  checkExpiry(role, targets.signed.expires, set.nowMs);
  return { ...set, targets: new Map([...set.targets, [role, targets]]) };
}

/** What the snapshot says of a role's file. Throws METADATA_MISSING. */
export function targetsMeta(set: TrustedSet, role: string): MetaFile {
  const meta = metaOf(trusted('snapshot', set.snapshot).signed, `${role}.json`);
  if (meta === null) throw new CodedError('METADATA_MISSING', `snapshot does not list ${role}.json`);
  return meta;
}

/** Checks that `parent` gave `role` to keys that signed this document; `parent` is `root` for the top-level targets. */
export function verifyDelegated(
  set: TrustedSet,
  role: string,
  parent: string,
  targets: Trusted<Targets>,
): void {
  if (parent === 'root') {
    verifyTopLevel('targets', role, set.root.signed, targets, set.rules);
    return;
  }
  const { delegations } = trusted(parent, set.targets.get(parent) ?? null).signed;
  const roles = delegations?.roles ?? {};
  const bins = delegations?.succinctRoles;
  const holder = Object.hasOwn(roles, role) ? roles[role] : bins?.isDelegatedRole(role) ? bins : undefined;
  if (holder === undefined) throw new CodedError('KEY_UNKNOWN', `${parent} does not delegate to ${role}`);
  verifyBy(role, holder, delegations?.keys ?? {}, targets, set.rules);
}

/**
 * Whether a stored document of a delegated role lost the keys that it was signed by: the floors it raised go with them
 * (fast-forward recovery). One that is merely damaged did not.
 */
export function lostItsKeys(set: TrustedSet, role: string, parent: string, stored: Uint8Array): boolean {
  try {
    verifyDelegated(set, role, parent, readMetadata('targets', role, stored, set.rules.maxBytes.targets));
    return false;
  } catch (err) {
    return err instanceof CodedError && (err.code === 'KEY_UNKNOWN' || err.code === 'THRESHOLD_NOT_MET');
  }
}

type SignedDocument = Pick<Trusted<unknown>, 'document'>;

function verifyTopLevel(
  role: 'root' | 'snapshot' | 'targets' | 'timestamp',
  what: string,
  root: Root,
  metadata: SignedDocument,
  rules: ClientRules,
): void {
  const holder = root.roles[role];
  if (holder === undefined) throw new CodedError('METADATA_MALFORMED', `the root names no keys for ${role}`);
  verifyBy(what, holder, root.keys, metadata, rules);
}

function verifyBy(
  what: string,
  holder: { readonly keyIDs: readonly string[]; readonly threshold: number },
  keys: Readonly<Record<string, Key>>,
  { document }: SignedDocument,
  rules: ClientRules,
): void {
  verifyThreshold(what, verifiersOf(holder.keyIDs, keys, rules), holder.threshold, document);
}

function checkFile(what: string, meta: MetaFile, bytes: Uint8Array): void {
  if (meta.length !== undefined && meta.length !== bytes.length) {
    throw new CodedError('METADATA_MISMATCH', `${what} has ${bytes.length} bytes instead of ${meta.length}`);
  }
  const named = Object.entries(meta.hashes ?? {});
  const known = named.filter(([algorithm]) => HASH_ALGORITHMS.has(algorithm));
  if (named.length > 0 && known.length === 0) {
    throw new CodedError('METADATA_MISMATCH', `${what} has only hashes of unknown kinds`);
  }
  for (const [algorithm, expected] of known) {
    if (createHash(algorithm).update(bytes).digest('hex') === expected) continue;
    throw new CodedError('METADATA_MISMATCH', `${what} has another ${algorithm} than the one signed for`);
  }
}

function checkVersion(what: string, meta: MetaFile, version: number): void {
  if (version === meta.version) return;
  throw new CodedError('METADATA_MISMATCH', `${what} has version ${version} instead of ${meta.version}`);
}

function metaOf(snapshot: Snapshot, file: string): MetaFile | null {
  return Object.hasOwn(snapshot.meta, file) ? (snapshot.meta[file] ?? null) : null;
}

function trusted<T>(what: string, metadata: Trusted<T> | null): Trusted<T> {
  if (metadata === null) throw new CodedError('METADATA_MISSING', `${what} was not loaded`);
  return metadata;
}
