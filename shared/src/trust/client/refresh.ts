import type { Root } from '@tufjs/models';
import { CodedError } from '../../errors/index.ts';
import { attempt } from './attempt.ts';
import { checkNotBehindBundle } from './bundle-view.ts';
import { checkFirstSnapshot, checkFirstTimestamp } from './minimums.ts';
import type { ClientRules } from './rules.ts';
import {
  adoptSnapshot,
  adoptTimestamp,
  checkRootExpiry,
  isSnapshotFinal,
  nextRoot,
  nextSnapshot,
  nextTargets,
  nextTimestamp,
  openTrustedSet,
  type TrustedSet,
  targetsMeta,
  verifyDelegated,
} from './trusted-set.ts';

/** What is stored of a repository, as it came; nothing in it is trusted before it was verified again. */
export interface StoredMetadata {
  /** The root that came with the device. */
  readonly factoryRoot: Uint8Array;
  /** The newest root, unless there is none but the factory's. */
  readonly root: Uint8Array | null;
  /** No chain may end below this version, whatever became of the newest root. */
  readonly rootFloor: number;
  /** `timestamp`, `snapshot`, `targets` and delegated roles. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  /** Below these nothing is taken while nothing newer is stored: what a person carried to the device with its first root. */
  readonly minimum?: MinimumVersions;
}

/** By role: `timestamp`, `snapshot`, `targets`, `m.<model>`. */
export type MinimumVersions = Readonly<Record<string, number>>;

/** What the workflow asks of the world. Only `fetch` is answered: with the bytes, or null when there is no such file. */
export type ClientRequest =
  | { readonly type: 'fetch'; readonly file: string; readonly maxBytes: number }
  | { readonly type: 'keepRoot'; readonly version: number; readonly bytes: Uint8Array }
  | { readonly type: 'keep'; readonly role: string; readonly version: number; readonly bytes: Uint8Array }
  | { readonly type: 'drop'; readonly role: 'timestamp' | 'snapshot' };

export type Workflow<T> = Generator<ClientRequest, T, Uint8Array | null | undefined>;

/**
 * The client workflow of the TUF specification from 5.1 to 5.6 for the top-level roles, as a sequence of requests. It
 * touches nothing by itself: the caller fetches and stores. Each `keep` comes after everything that clause asks for.
 */
export function* refresh(stored: StoredMetadata, nowMs: number, rules: ClientRules): Workflow<TrustedSet> {
  let set = yield* refreshRoot(stored, nowMs, rules);
  checkRootExpiry(set);
  set = yield* timestamp(set, stored);
  set = yield* snapshot(set, stored);
  checkNotBehindBundle(set, stored);
  return yield* loadTargets(set, stored, 'targets', 'root');
}

/** 5.2 - 5.3.9 alone: for finding out whether a newer root explains what does not fit. */
export function* refreshRoot(
  stored: StoredMetadata,
  nowMs: number,
  rules: ClientRules,
): Workflow<TrustedSet> {
  return yield* rootChain(openRoot(stored, nowMs, rules), stored.rootFloor);
}

/** One targets role: the stored one if it is what the snapshot names, else from the repository. 5.6.1 - 5.6.6. */
export function* loadTargets(
  set: TrustedSet,
  stored: StoredMetadata,
  role: string,
  parent: string,
): Workflow<TrustedSet> {
  const loaded = set.targets.get(role);
  if (loaded !== undefined) {
    // Reached over another parent: that one must stand behind it as well.
    verifyDelegated(set, role, parent, loaded);
    return set;
  }
  const local = stored.roles.get(role);
  const kept = local && attempt(() => nextTargets(set, role, parent, local));
  if (kept) return kept;
  // 5.6.1
  const meta = targetsMeta(set, role);
  const name = encodeURIComponent(role);
  const file = set.root.signed.consistentSnapshot ? `${meta.version}.${name}.json` : `${name}.json`;
  const bytes = yield* fetchFile(file, Math.min(meta.length ?? Infinity, set.rules.maxBytes.targets));
  const next = nextTargets(set, role, parent, bytes);
  // 5.6.6
  yield { type: 'keep', role, version: meta.version, bytes };
  return next;
}

/** 5.2; a newest root that is damaged is replaced by the factory's, and the chain is walked again. */
function openRoot(stored: StoredMetadata, nowMs: number, rules: ClientRules): TrustedSet {
  const { root, factoryRoot } = stored;
  const newest = root && attempt(() => openTrustedSet(root, nowMs, rules));
  return newest || openTrustedSet(factoryRoot, nowMs, rules);
}

/** 5.3.2 - 5.3.9 */
function* rootChain(start: TrustedSet, floor: number): Workflow<TrustedSet> {
  let set = start;
  const { maxRootRotations, maxBytes } = set.rules;
  for (let rotations = 0; ; rotations += 1) {
    // 5.3.3
    const file = `${set.root.signed.version + 1}.root.json`;
    const bytes = yield { type: 'fetch', file, maxBytes: maxBytes.root };
    if (!bytes) break;
    if (rotations === maxRootRotations) {
      throw new CodedError('METADATA_TOO_LARGE', `there are more than ${maxRootRotations} new roots`);
    }
    set = nextRoot(set, bytes);
    // 5.3.8, but never below a root that was trusted before.
    const { version } = set.root.signed;
    if (version >= floor) yield { type: 'keepRoot', version, bytes };
  }
  if (set.root.signed.version < floor) {
    throw new CodedError(
      'METADATA_NOT_NEWER',
      `the chain of roots ends before version ${floor}, trusted before`,
    );
  }
  return set;
}

/** 5.4 */
function* timestamp(start: TrustedSet, stored: StoredMetadata): Workflow<TrustedSet> {
  let set = start;
  const local = stored.roles.get('timestamp');
  if (local !== undefined) {
    const kept = attempt(() => adoptTimestamp(set, local));
    if (kept) set = kept;
    // 5.3.11: what only a removed key stood behind is forgotten, and the floors it raised with it.
    else yield { type: 'drop', role: 'timestamp' };
  }
  // 5.4.1
  const bytes = yield* fetchFile('timestamp.json', set.rules.maxBytes.timestamp);
  const next = nextTimestamp(set, bytes);
  if (local === undefined && stored.minimum)
    checkFirstTimestamp(next, factoryRoot(next, stored), stored.minimum);
  // 5.4.5
  if (next !== set) {
    yield { type: 'keep', role: 'timestamp', version: next.timestamp?.signed.version ?? 0, bytes };
  }
  return next;
}

/** 5.5 */
function* snapshot(start: TrustedSet, stored: StoredMetadata): Workflow<TrustedSet> {
  let set = start;
  const local = stored.roles.get('snapshot');
  if (local !== undefined) {
    const kept = attempt(() => adoptSnapshot(set, local));
    if (kept) set = kept;
    // 5.3.11
    else yield { type: 'drop', role: 'snapshot' };
    if (isSnapshotFinal(set)) return set;
  }
  const meta = set.timestamp?.signed.snapshotMeta;
  // 5.5.1
  const file = set.root.signed.consistentSnapshot ? `${meta?.version}.snapshot.json` : 'snapshot.json';
  const bytes = yield* fetchFile(file, Math.min(meta?.length ?? Infinity, set.rules.maxBytes.snapshot));
  const next = nextSnapshot(set, bytes);
  if (local === undefined && stored.minimum)
    checkFirstSnapshot(next, factoryRoot(next, stored), stored.minimum);
  // 5.5.7
  yield { type: 'keep', role: 'snapshot', version: next.snapshot?.signed.version ?? 0, bytes };
  return next;
}

/** The root that came with the device. */
export function factoryRoot({ nowMs, rules }: TrustedSet, stored: StoredMetadata): Root {
  return openTrustedSet(stored.factoryRoot, nowMs, rules).root.signed;
}

function* fetchFile(file: string, maxBytes: number): Workflow<Uint8Array> {
  const bytes = yield { type: 'fetch', file, maxBytes };
  if (!bytes) throw new CodedError('METADATA_MISSING', `the repository has no ${file}`);
  return bytes;
}
