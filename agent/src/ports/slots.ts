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
  /** Names of the models that have a folder here. */
  models(): Promise<readonly string[]>;
  /**
   * Removes all other releases of this model, and what half-done installs left. `versions` is asked after the folder was
   * listed, so that an install that begins meanwhile loses nothing.
   */
  keepOnly(model: string, versions: () => readonly string[]): Promise<void>;
}
