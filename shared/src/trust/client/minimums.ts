import type { Root } from '@tufjs/models';
import { CodedError } from '../../errors/index.ts';
import { checkNotOlder } from '../targets.ts';
import type { MinimumVersions } from './refresh.ts';
import type { TrustedSet } from './trusted-set.ts';

/**
 * A client that has stored nothing yet has no versions of its own to compare with: what came with its first root stands in
 * for them. Void once a root took away a key that the first one named for timestamp or snapshot, as stored versions are then
 * (fast-forward recovery, 5.3.11). Throws METADATA_NOT_NEWER.
 */
export function checkFirstTimestamp(set: TrustedSet, factory: Root, minimum: MinimumVersions): void {
  if (lostOnlineKeys(factory, set.root.signed)) return;
  requireVersion('timestamp', set.timestamp?.signed.version, minimum);
}

/** The same for the first snapshot: its own version, and that of every role it must list. */
export function checkFirstSnapshot(set: TrustedSet, factory: Root, minimum: MinimumVersions): void {
  if (lostOnlineKeys(factory, set.root.signed)) return;
  requireVersion('snapshot', set.snapshot?.signed.version, minimum);
  checkFirstRoles(set, factory, minimum);
}

/** For a view that came by hand, which counts its versions for itself: of the roles alone. */
export function checkFirstRoles(set: TrustedSet, factory: Root, minimum: MinimumVersions): void {
  if (lostOnlineKeys(factory, set.root.signed)) return;
  const { meta = {} } = set.snapshot?.signed ?? {};
  for (const role of Object.keys(minimum)) {
    if (role === 'timestamp' || role === 'snapshot') continue;
    const file = `${role}.json`;
    requireVersion(role, Object.hasOwn(meta, file) ? meta[file]?.version : undefined, minimum);
  }
}

function requireVersion(role: string, version: number | undefined, minimum: MinimumVersions): void {
  const least = Object.hasOwn(minimum, role) ? minimum[role] : undefined;
  if (least === undefined) return;
  if (version === undefined)
    throw new CodedError('METADATA_NOT_NEWER', `${role} is missing; at enrollment it had version ${least}`);
  checkNotOlder(`${role}, shown to a new device`, version, least);
}

function lostOnlineKeys(factory: Root, root: Root): boolean {
  return (['timestamp', 'snapshot'] as const).some((role) => {
    const now = new Set(root.roles[role]?.keyIDs);
    return factory.roles[role]?.keyIDs.some((keyid) => !now.has(keyid)) ?? false;
  });
}
