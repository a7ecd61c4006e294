import { inflateRawSync } from 'node:zlib';
import {
  checkerOf,
  decodePayload,
  Envelope,
  Hello,
  parseTopic,
  ReportId,
  Status,
} from '@ringfleet/shared/protocol';
import { Value } from 'typebox/value';

export type UpMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'report'; readonly envelope: Envelope };

const checkHello = checkerOf(Hello, 'hello');
const checkStatus = checkerOf(Status, 'status');
const checkEnvelope = checkerOf(Envelope, 'envelope');

/**
 * Reads what a device published. A report that is wrong but says which one it is comes back with a body that no schema
 * takes, so that it is kept aside and acknowledged; what cannot even be told apart throws.
 */
export function readUpMessage(topic: string, payload: Uint8Array, receivedAtMs: number): UpMessage {
  const { kind } = parseTopic(topic);
  const value = decodePayload(payload, (bytes, maxBytes) =>
    inflateRawSync(bytes, { maxOutputLength: maxBytes }),
  );
  if (kind === 'hello') return { kind, hello: checkHello(value) };
  if (kind === 'status') return { kind, status: checkStatus(value) };
  const envelope = envelopeOf(value, receivedAtMs);
  const isMisplaced = envelope.id.stream !== kind;
  return { kind: 'report', envelope: isMisplaced ? { ...envelope, body: null } : envelope };
}

function envelopeOf(value: unknown, receivedAtMs: number): Envelope {
  try {
    return checkEnvelope(value);
  } catch (err) {
    const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
    if (!Value.Check(ReportId, id)) throw err;
    return { v: 1, id, at: receivedAtMs, body: null };
  }
}
