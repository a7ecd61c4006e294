import type { Desired } from '../core/assignment-plan.ts';

/** What a document offered as an assignment is worth looking at. */
export type Inspection =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly generation: number; readonly models: readonly string[] };

/**
 * Everything that decides whether bytes are trusted. It keeps roots, metadata and the accepted assignment, and changes
 * them only together. All methods throw the codes of the trust module.
 */
export interface TrustStore {
  rootVersion(): Promise<number>;
  /** Takes the next root of the chain. */
  addRoot(document: string, nowMs: number): Promise<void>;
  /** Checks signature, addressee, date and order of an assignment; 'same' when exactly this one is accepted already. */
  inspect(document: string, nowMs: number): Promise<Inspection>;
  /** Verifies both chains against each other and makes the assignment the accepted one. */
  accept(
    offer: {
      readonly document: string;
      /** Null when the server has none yet. */
      readonly targets: string | null;
      readonly modelRoles: Readonly<Record<string, string>>;
    },
    nowMs: number,
  ): Promise<Desired>;
}
