import type { Role } from '../core/domain.ts';

/** What must come back from the provider, kept for the one browser that was sent there. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** The organisation's sign-in. Throws OIDC_UNREACHABLE, OIDC_REFUSED. */
export interface IdentityProvider {
  /** Where to send the browser. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly checks: SignInChecks }>;
  /** Whom the provider vouches for; `role` is null when none of their groups has one here. */
  finish(
    callback: URL,
    checks: SignInChecks,
  ): Promise<{ readonly externalId: string; readonly name: string; readonly role: Role | null }>;
}
