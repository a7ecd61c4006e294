import type { AssignedLimits, MaintenanceWindow, ShadowTerms } from '../protocol/assignment-terms.ts';

/** A public key in TUF's form. */
export interface TufKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

/** Whatever can sign: an opened key file today, a hardware token later. */
export interface Signer {
  readonly keyid: string;
  readonly publicKey: TufKey;
  sign(bytes: Uint8Array): Uint8Array;
}

/** `secretKey` is tweetnacl's 64 bytes: the seed and the public key. */
export interface KeyPair {
  readonly publicKey: TufKey;
  readonly keyid: string;
  readonly secretKey: Uint8Array;
}

/** Who may sign for a role: any `threshold` different ones of these keys. */
export interface RoleKeys {
  readonly keys: readonly TufKey[];
  readonly threshold: number;
}

/** A role's keys as a signed document names them; keys of a kind we cannot check are left out and never count. */
export interface Role {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly threshold: number;
}

/** All times are integer epoch ms. In TUF documents `expires` is written to the second, rounded down. */
export interface RootContent {
  readonly version: number;
  readonly expires: number;
  /** A one-key root for trying things out; written into the root, and loud wherever it is used. */
  readonly isDevelopment: boolean;
  readonly root: RoleKeys;
  readonly targets: RoleKeys;
  readonly snapshot: RoleKeys;
  readonly timestamp: RoleKeys;
  readonly director: RoleKeys & { readonly epoch: number };
}

export interface TargetsContent {
  readonly version: number;
  readonly expires: number;
  readonly models: readonly (RoleKeys & { readonly model: string })[];
}

/** One signed release: the manifest's length and sha256 (bare hex). */
export interface SignedRelease {
  readonly version: string;
  readonly releaseCounter: number;
  readonly length: number;
  readonly sha256: string;
}

export interface ModelRoleContent {
  readonly model: string;
  readonly version: number;
  readonly expires: number;
  /** The model's floor today: no device may install a release below it. */
  readonly minReleaseCounter: number;
  readonly releases: readonly SignedRelease[];
}

/** What a device is to run of one model. What is optional, older agents pass over. */
export interface AssignmentModel {
  readonly model: string;
  readonly version: string;
  readonly manifestLength: number;
  /** Bare hex. */
  readonly manifestSha256: string;
  readonly releaseCounter: number;
  /** Eligible variants, in order. */
  readonly variants: readonly string[];
  readonly mode: 'run';
  readonly attempt: number;
  readonly rollout?: string;
  readonly soakMs: number;
  readonly minInferences: number;
  readonly soakDeadlineMs: number;
  /** Gates activation, as `expires` of the document gates acceptance. */
  readonly installBefore: number;
  /** Nothing begins and nothing goes live; what is live already goes on. */
  readonly hold?: boolean;
  /** Does not wait for a maintenance window: the way back to a good release. */
  readonly urgent?: boolean;
  /** In addition to the device's own windows: both must be open. */
  readonly window?: MaintenanceWindow;
  readonly maxBytesPerSecond?: number;
  readonly shadow?: ShadowTerms;
  /** May tighten the manifest's, never loosen them: LIMITS_LOOSENED. */
  readonly limits?: AssignedLimits;
}

/** The whole device: a model that is not listed is to be removed. */
export interface AssignmentContent {
  readonly fleet: string;
  readonly device: string;
  readonly directorEpoch: number;
  /** Grows when the content changes. */
  readonly generation: number;
  /** Grows at every signing. */
  readonly tufVersion: number;
  readonly issuedAt: number;
  readonly expires: number;
  readonly models: readonly AssignmentModel[];
}

/** The JSON of a document's `signed` part. */
export type SignedPart = Readonly<Record<string, unknown>>;

/** A verified root. */
export interface Root {
  readonly version: number;
  readonly expires: number;
  readonly isDevelopment: boolean;
  readonly roles: Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', Role>>;
  readonly director: Role & { readonly epoch: number };
}

/** A verified top-level targets role: one terminating delegation per model. */
export interface TargetsRole {
  readonly version: number;
  readonly expires: number;
  readonly models: ReadonlyMap<string, Role>;
}

/** A verified `m.<model>`. */
export interface ModelRole extends ModelRoleContent {}

/** A verified assignment. `contentHash` (`sha256:<hex>`) covers what `generation` stands for. */
export interface Assignment extends AssignmentContent {
  readonly contentHash: string;
}

/** What a device keeps of the last assignment it accepted. */
export interface AcceptedAssignment {
  readonly directorEpoch: number;
  readonly tufVersion: number;
  readonly generation: number;
  readonly contentHash: string;
}

/** One model of an assignment on which director and publisher agree. */
export interface AssignedModel extends AssignmentModel {
  /** `sha256:<hex>` of the manifest. */
  readonly digest: string;
  /** `models/<model>/<version>/manifest.json`. */
  readonly path: string;
  /** The publisher's floor today; at commit the device's floor becomes the larger of both. */
  readonly minReleaseCounter: number;
}
