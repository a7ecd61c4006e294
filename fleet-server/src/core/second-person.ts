import { CodedError } from '@ringfleet/shared/errors';

/**
 * Promotion overrides need two: whoever lets something pass that waits for a person may not be the one who started it.
 * To pause, stop or revert, one is always enough: those never ask this.
 */
export function requireSecondPerson(what: string, startedBy: string, approver: string): void {
  if (startedBy.toLowerCase() !== approver.toLowerCase()) return;
  throw new CodedError(
    'SECOND_PERSON_NEEDED',
    `${approver} started ${what}; somebody else has to approve it`,
  );
}
