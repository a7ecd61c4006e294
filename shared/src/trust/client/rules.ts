import { MAX_METADATA_BYTES } from '../strict-json.ts';

/** What a client asks of every repository: bounds, and which keys count. */
export interface ClientRules {
  /** How many new roots one refresh follows. */
  readonly maxRootRotations: number;
  /** How many roles one search for a target visits. */
  readonly maxDelegations: number;
  readonly maxBytes: {
    readonly root: number;
    readonly timestamp: number;
    readonly snapshot: number;
    readonly targets: number;
  };
  /** Ringfleet signs with ed25519 only; other repositories use other keys as well. */
  readonly keyTypes: 'ed25519' | 'any';
}

/** Hashes that can be checked; one of them must be there where hashes are. */
export const HASH_ALGORITHMS: ReadonlySet<string> = new Set(['sha256', 'sha384', 'sha512']);

export const DEFAULT_RULES: ClientRules = {
  maxRootRotations: 256,
  maxDelegations: 32,
  maxBytes: {
    root: MAX_METADATA_BYTES,
    timestamp: 16 * 1024,
    snapshot: MAX_METADATA_BYTES,
    targets: MAX_METADATA_BYTES,
  },
  keyTypes: 'ed25519',
};
