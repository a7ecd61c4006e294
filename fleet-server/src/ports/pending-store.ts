import type { Capabilities } from '@ringfleet/shared/protocol';
import type { Change, Page, PageQuery } from './stores.ts';

/** A device that has shown a token and waits for a person. */
export interface PendingEnrollment {
  readonly id: string;
  readonly code: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: Capabilities | null;
  readonly address: string | null;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly approvedBy: string | null;
}

export interface PendingRequest {
  readonly id: string;
  readonly secretHash: string;
  /** Hex of the public key's sha256. */
  readonly keySha256: string;
  readonly code: string;
  readonly capabilities: Capabilities | null;
  readonly address: string | null;
  readonly expiresAtMs: number;
}

/** Enrollments that wait for approval; ended ones are forgotten. One method is one transaction. */
export interface PendingStore {
  /** Whether this id waits with this token: then the token is not asked again, which may be used up by now. */
  isKnown(id: string, secretHash: string, nowMs: number): Promise<boolean>;
  /**
   * The first time it uses up one admission of the token; then it answers how it stands. Another key before the approval
   * starts over. Throws TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED_UP, TOO_MANY_PENDING, and DEVICE_EXISTS for an id that is
   * taken, or approved for another key.
   */
  request(request: PendingRequest, change: Change): Promise<'waiting' | 'approved'>;
  /** Makes the device that was approved for this key; again, when the first answer was lost. Throws ENROLLMENT_UNKNOWN. */
  admit(
    request: {
      readonly id: string;
      readonly keySha256: string;
      readonly certSerial: string;
      readonly notAfterMs: number;
    },
    change: Change,
  ): Promise<void>;
  list(query: PageQuery & { readonly nowMs: number }): Promise<Page<PendingEnrollment>>;
  /** Throws ENROLLMENT_UNKNOWN, APPROVAL_CODE_WRONG. */
  approve(id: string, code: string, change: Change): Promise<void>;
  /** Throws ENROLLMENT_UNKNOWN. */
  reject(id: string, change: Change): Promise<void>;
}
