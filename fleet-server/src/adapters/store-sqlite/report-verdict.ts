import { codeOf, type ErrorCode } from '@ringfleet/shared/errors';
import {
  checkerOf,
  type Envelope,
  EventReport,
  type ModelTelemetry,
  StateReport,
  Telemetry,
  Tombstone,
} from '@ringfleet/shared/protocol';

import { heartbeatFault, type ReleasedAs } from '../../core/telemetry/heartbeat-fault.ts';

/** What one report turned out to be: something to store, or something to keep aside with a code. */
export type Verdict =
  | { readonly is: 'state'; readonly body: StateReport }
  | { readonly is: 'event'; readonly body: EventReport }
  | {
      readonly is: 'tele';
      readonly body: Telemetry;
      /** What of it counts by time: all but releases that nobody published here, which are named in `strangers`. */
      readonly counted: Telemetry;
      readonly strangers: readonly string[];
    }
  | { readonly is: 'tombstone'; readonly reason: string }
  | { readonly is: 'bad'; readonly code: ErrorCode; readonly reason: string };

const MAX_AHEAD_MS = 24 * 3_600_000;

const checkTombstone = checkerOf(Tombstone, 'tombstone');
const checkState = checkerOf(StateReport, 'state report');
const checkEvent = checkerOf(EventReport, 'event report');
const checkTele = checkerOf(Telemetry, 'telemetry');

export function verdictOn(envelope: Envelope, receivedAtMs: number, releasedAs: ReleasedAs): Verdict {
  const { at, body } = envelope;
  if (at > receivedAtMs + MAX_AHEAD_MS) {
    const reason = `written at ${new Date(at).toISOString()}, received at ${new Date(receivedAtMs).toISOString()}`;
    return { is: 'bad', code: 'REPORT_TIME_IMPLAUSIBLE', reason };
  }
  try {
    return typed(envelope.id.stream, body, releasedAs);
  } catch (err) {
    const reason = err instanceof Error ? err.message : 'not readable';
    return { is: 'bad', code: codeOf(err, 'MESSAGE_INVALID'), reason };
  }
}

function typed(stream: Envelope['id']['stream'], body: unknown, releasedAs: ReleasedAs): Verdict {
  if (typeof body === 'object' && body !== null && 'tombstone' in body) {
    return { is: 'tombstone', reason: checkTombstone(body).tombstone.reason };
  }
  switch (stream) {
    case 'state':
      return { is: 'state', body: checkState(body) };
    case 'event':
      return { is: 'event', body: checkEvent(body) };
    case 'tele':
      return onHeartbeat(checkTele(body), releasedAs);
  }
}

/** What a device says of a release is the truth about the device; it is no count of a release unless that was published. */
function onHeartbeat(body: Telemetry, releasedAs: ReleasedAs): Verdict {
  const fault = heartbeatFault(body, releasedAs);
  if (fault) return { is: 'bad', ...fault };
  const isStranger = ({ model, running }: ModelTelemetry): boolean =>
    running !== undefined && releasedAs(model, running) === 'unknown';
  const strangers = body.models.filter(isStranger);
  if (strangers.length === 0) return { is: 'tele', body, counted: body, strangers: [] };
  const models = body.models.filter((model) => !strangers.includes(model));
  const names = strangers.map(({ model, running }) => `${model} ${running?.version} ${running?.digest}`);
  return { is: 'tele', body, counted: { ...body, models }, strangers: names };
}
