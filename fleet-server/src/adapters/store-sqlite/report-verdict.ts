import { codeOf, type ErrorCode } from '@ringfleet/shared/errors';
import {
  checkerOf,
  type Envelope,
  EventReport,
  StateReport,
  Telemetry,
  Tombstone,
} from '@ringfleet/shared/protocol';

/** What one report turned out to be: something to store, or something to keep aside with a code. */
export type Verdict =
  | { readonly is: 'state'; readonly body: StateReport }
  | { readonly is: 'event'; readonly body: EventReport }
  | { readonly is: 'tele'; readonly body: Telemetry }
  | { readonly is: 'tombstone' }
  | { readonly is: 'bad'; readonly code: ErrorCode; readonly reason: string };

const MAX_AHEAD_MS = 24 * 3_600_000;

const checkTombstone = checkerOf(Tombstone, 'tombstone');
const checkState = checkerOf(StateReport, 'state report');
const checkEvent = checkerOf(EventReport, 'event report');
const checkTele = checkerOf(Telemetry, 'telemetry');

export function verdictOn(envelope: Envelope, receivedAtMs: number): Verdict {
  const { at, body } = envelope;
  if (at > receivedAtMs + MAX_AHEAD_MS) {
    const reason = `written at ${new Date(at).toISOString()}, received at ${new Date(receivedAtMs).toISOString()}`;
    return { is: 'bad', code: 'REPORT_TIME_IMPLAUSIBLE', reason };
  }
  try {
    return typed(envelope.id.stream, body);
  } catch (err) {
    const reason = err instanceof Error ? err.message : 'not readable';
    return { is: 'bad', code: codeOf(err, 'MESSAGE_INVALID'), reason };
  }
}

function typed(stream: Envelope['id']['stream'], body: unknown): Verdict {
  if (typeof body === 'object' && body !== null && 'tombstone' in body) {
    checkTombstone(body);
    return { is: 'tombstone' };
  }
  switch (stream) {
    case 'state':
      return { is: 'state', body: checkState(body) };
    case 'event':
      return { is: 'event', body: checkEvent(body) };
    case 'tele':
      return { is: 'tele', body: checkTele(body) };
  }
}
