import type { StoredMetadata } from './refresh.ts';

/**
 * Where a client keeps what it trusts. Every method is one transaction: a crash at any byte of it leaves what was there
 * before, or all of what it does. What comes back is verified again before use, so a damaged file is like a missing one;
 * `rootFloor` outlives damage to the newest root.
 */
export interface TrustMetadataStore {
  /** Throws METADATA_MISSING before `init`. */
  load(): Promise<StoredMetadata>;
  /** Sets the first root. Keeps nothing of an earlier one. */
  init(factoryRoot: Uint8Array, version: number): Promise<void>;
  /** Makes this the newest root and raises the floor to its version. */
  keepRoot(version: number, bytes: Uint8Array): Promise<void>;
  keep(role: string, bytes: Uint8Array): Promise<void>;
  /** Nothing happens when there is none. */
  drop(role: string): Promise<void>;
}
