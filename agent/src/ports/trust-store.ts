import type { BundleFile, CarriedFiles, WipeOrder } from '@ringfleet/shared/trust';
import type { Desired } from '../core/assignment-plan.ts';

/** What a document offered as an assignment is worth looking at. */
export type Inspection =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly generation: number; readonly models: readonly string[] };

/** Metadata files by name as the server sent them; null where it had none. Nothing in them is trusted. */
export type FetchedFiles = Readonly<Record<string, string | null>>;

/** One more file is needed before it can go on; the same call is made again with it. */
export interface Wants {
  readonly kind: 'wants';
  readonly file: string;
}

/** What a person carried here: bundle.json and the small files it lists, by their path. Nothing in them is trusted. */
export interface CarriedDocuments {
  readonly bundle: string;
  readonly files: CarriedFiles;
}

export interface TakenBundle {
  /** Null when exactly this bundle is accepted already. */
  readonly desired: Desired | null;
  /** All files of the bundle, as they were signed for. */
  readonly files: readonly BundleFile[];
  /** What the server has stored of this device; JSON of `CarriedAcks`. */
  readonly acks: string | null;
}

/** One of them, `ROLE.json`, as it was verified. */
export interface KeptDocument {
  readonly file: string;
  readonly text: string;
}

/** A model of an accepted assignment that goes on as it was, because what is new of it was refused. */
export interface HeldModel {
  readonly model: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Everything that decides whether bytes are trusted. It keeps roots, metadata and the accepted assignment; what the
 * TUF workflow verified is kept as it goes, and the assignment only when everything agrees. All methods throw the codes
 * of the trust module.
 */
export interface TrustStore {
  /**
   * Whether what is trusted now still names this release: a key may have been revoked since the assignment was accepted, and
   * then nothing new installs. Dates are left out: `installBefore` gates activation (DESIGN §4).
   */
  confirm(release: { readonly model: string; readonly digest: string }): Promise<void>;
  /** The signed documents that are trusted now, in the order in which they can be verified. */
  kept(): Promise<readonly KeptDocument[]>;
  /** Checks an order to erase this device under the trusted root; `done` are ids of orders that were carried out here. */
  verifyWipe(document: string, done: readonly string[], nowMs: number): Promise<WipeOrder>;
  /** Follows the chain of roots as far as it goes. */
  refreshRoot(
    fetched: FetchedFiles,
    nowMs: number,
  ): Promise<Wants | { readonly kind: 'root'; readonly version: number }>;
  /** Checks signature, addressee, date and order of an assignment; 'same' when exactly this one is accepted already. */
  inspect(document: string, nowMs: number): Promise<Inspection>;
  /**
   * Goes through the whole chain (root, timestamp, snapshot, targets, the models' roles), verifies it against the
   * assignment, and makes that the accepted one. `held` lists what was refused of models that the assignment leaves as
   * they are; of any other one it is thrown.
   */
  accept(
    document: string,
    fetched: FetchedFiles,
    nowMs: number,
  ): Promise<
    Wants | { readonly kind: 'accepted'; readonly desired: Desired; readonly held: readonly HeldModel[] }
  >;
  /**
   * Verifies a bundle and everything in it as `accept` does, and makes its assignment the accepted one, all of it or
   * nothing. `isTrial` only says whether it would. Also throws the codes of bundles.
   */
  takeBundle(carried: CarriedDocuments, nowMs: number, isTrial: boolean): Promise<TakenBundle>;
}
