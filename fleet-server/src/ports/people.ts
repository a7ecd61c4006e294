import type { Principal, Role } from '../core/domain.ts';
import type { Change, Page, PageQuery } from './stores.ts';

export interface Person {
  readonly name: string;
  readonly role: Role;
  readonly createdAtMs: number;
  readonly lastSignInAtMs: number | null;
  /** False until an invitation was used, and for people of the identity provider. */
  readonly hasPassword: boolean;
  readonly isExternal: boolean;
}

/** A one-time link that sets a password: only its code's sha256 is kept. */
export interface Invitation {
  readonly hash: string;
  readonly expiresAtMs: number;
}

/** The people of the fleet. Names are compared without case. Passwords come and go as PasswordHasher writes them. */
export interface PeopleStore {
  list(query: PageQuery): Promise<Page<Person>>;
  get(name: string): Promise<Person | null>;
  isEmpty(): Promise<boolean>;
  /** The first administrator. Throws SETUP_DONE while any person exists. */
  createFirst(person: { name: string; password: string }, atMs: number): Promise<Person>;
  /** Throws PERSON_EXISTS. */
  create(person: { name: string; role: Role; invitation: Invitation }, change: Change): Promise<Person>;
  /** Counts for open sessions and tokens at once. Throws PERSON_UNKNOWN, LAST_ADMIN. */
  setRole(name: string, role: Role, change: Change): Promise<Person>;
  /** Takes sessions and tokens along, also those that the person made for scripts. Throws PERSON_UNKNOWN, LAST_ADMIN. */
  remove(name: string, change: Change): Promise<void>;
  /** The password is void, sessions and tokens end, and only the new invitation leads back in. Throws PERSON_UNKNOWN. */
  reset(name: string, invitation: Invitation, change: Change): Promise<Person>;
  /** Whom the code invites; null when it is unknown, used or past its date. */
  invited(hash: string, nowMs: number): Promise<Person | null>;
  /** Uses the invitation up. Throws INVITATION_INVALID. */
  acceptInvitation(hash: string, password: string, atMs: number): Promise<Person>;
  passwordOf(name: string): Promise<string | null>;
  /** Ends the person's sessions and tokens. Throws PERSON_UNKNOWN. */
  setPassword(name: string, password: string, change: Change): Promise<void>;
  /** Notes and audits a sign-in. */
  signedIn(name: string, atMs: number): Promise<void>;
  /**
   * Somebody the identity provider vouches for: found by its id, made at the first time, with the role it gives now.
   * Throws PERSON_EXISTS when the name belongs to somebody else.
   */
  signedInOutside(person: { externalId: string; name: string; role: Role }, atMs: number): Promise<Person>;
}

export const SESSION_IDLE_MS = 12 * 3_600_000;
export const SESSION_LONGEST_MS = 7 * 86_400_000;

/** Dashboard sessions by the sha256 of their id: they end 12 h after their last use, 7 days after their start. */
export interface SessionStore {
  open(idHash: string, principal: Principal, atMs: number): Promise<void>;
  /** With the role that the person or token has now. */
  find(idHash: string, nowMs: number): Promise<Principal | null>;
  close(idHash: string): Promise<void>;
  /** Everywhere: all sessions, and all tokens of `ringfleet login`. Answers how many ended. */
  closeAll(of: Pick<Principal, 'kind' | 'name'>, change: Change): Promise<number>;
}

/** Slow on purpose. Throws SIGN_IN_BUSY instead of queueing without end. */
export interface PasswordHasher {
  /** Text that holds algorithm, parameters, salt and hash. */
  hash(password: string): Promise<string>;
  /** False for a null `stored`, after as long a time: nobody can measure whether an account exists. */
  verify(password: string, stored: string | null): Promise<boolean>;
}
