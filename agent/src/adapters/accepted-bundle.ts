import { createHash } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { type AcceptedBundle, BUNDLE_ROLE, peekBundle, type StoredMetadata } from '@ringfleet/shared/trust';

/** Which bundle was accepted last; null before the first, and when what is kept of it is damaged. */
export function acceptedBundleOf(stored: StoredMetadata): AcceptedBundle | null {
  const bytes = stored.roles.get(BUNDLE_ROLE);
  if (bytes === undefined) return null;
  try {
    const { directorEpoch, version } = peekBundle(Buffer.from(bytes).toString());
    return { directorEpoch, version, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (err) {
    // A damaged document is like a missing one; the versions it listed still stand in the roles that are kept.
    if (err instanceof CodedError) return null;
    throw err;
  }
}
