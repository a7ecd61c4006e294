import { createHash, createPublicKey } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import { approvalCode, type EnrollPending, type EnrollReply } from '@ringfleet/shared/protocol';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from './system-clock.ts';

const APPROVAL_MS = 3_600_000;

export interface ApprovalWait {
  readonly id: string;
  readonly keyPem: string;
  readonly onPending?: (pending: { readonly device: string; readonly code: string }) => void;
  readonly approvalMs?: number;
  readonly clock?: Clock;
}

/** Asks again and again while a person has to approve; shows the code of the own key once. Throws APPROVAL_TIMEOUT. */
export async function untilApproved(
  ask: () => Promise<EnrollReply | EnrollPending>,
  { id, keyPem, onPending, approvalMs = APPROVAL_MS, clock = systemClock }: ApprovalWait,
): Promise<EnrollReply> {
  const deadlineMs = clock.nowMs() + approvalMs;
  let isShown = false;
  for (;;) {
    const answer = await ask();
    if (!('state' in answer)) return answer;
    // Computed here, never taken from the answer: equal codes on both sides are the proof.
    const code = codeOfKey(keyPem);
    if (!isShown) onPending?.({ device: id, code });
    isShown = true;
    if (clock.nowMs() >= deadlineMs) {
      throw new CodedError('APPROVAL_TIMEOUT', `nobody approved ${id} with the code ${code} in time`);
    }
    await clock.sleep(answer.pollAfterMs, new AbortController().signal);
  }
}

function codeOfKey(keyPem: string): string {
  const der = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  return approvalCode(createHash('sha256').update(der).digest());
}
