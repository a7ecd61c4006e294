import type { Manifest } from '@ringfleet/shared/release';

export interface SlotRelease {
  readonly version: string;
  readonly digest: string;
  readonly variant: string;
}

/** The folders releases are loaded from. Nothing is loaded that `verify` did not just find unchanged on disk. */
export interface Slots {
  /** Links the blobs of one variant into the release's folder, all or nothing. Idempotent. */
  install(model: string, release: SlotRelease): Promise<void>;
  /** Hashes manifest and files again from disk. Throws SLOT_CORRUPT. */
  verify(model: string, release: SlotRelease): Promise<{ readonly dir: string; readonly manifest: Manifest }>;
  /** Removes all other releases of this model. */
  keepOnly(model: string, versions: readonly string[]): Promise<void>;
}
