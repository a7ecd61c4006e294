import { CodedError } from '@ringfleet/shared/errors';
import type { Principal } from './domain.ts';

/**
 * The one natural person who acts: under their own name, or by a token they made (a token that such a token made, too).
 * Null where nobody can say who it is: with the token of the data folder, and with tokens made with that.
 */
export function personBehind({ kind, name, owner }: Principal): string | null {
  return kind === 'person' ? name : kind === 'token' ? (owner ?? null) : null;
}

/**
 * Promotion overrides need two: whoever lets something pass that waits for a person may not be the one who started it.
 * Somebody unknown could be either, so they are no second person and nobody is theirs. To pause, stop or revert, one is
 * always enough: those never ask this. Throws SECOND_PERSON_NEEDED.
 */
export function requireSecondPerson(what: string, starter: string | null, approver: string | null): void {
  if (starter === null) throw refused(`nobody can say who started ${what}: it was a token of no person`);
  if (approver === null) throw refused(`nobody can say who approves ${what}: it is a token of no person`);
  if (starter.toLowerCase() === approver.toLowerCase())
    throw refused(`${approver} started ${what}; somebody else has to approve it`);
}

const refused = (message: string): CodedError => new CodedError('SECOND_PERSON_NEEDED', message);
