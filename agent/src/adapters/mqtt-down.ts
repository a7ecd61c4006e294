import { inflateRawSync } from 'node:zlib';
import { Ack, Command, checkerOf, Desired, decodePayload, parseTopic } from '@ringfleet/shared/protocol';

const checkDesired = checkerOf(Desired, 'desired');
const checkAck = checkerOf(Ack, 'ack');
const checkCommand = checkerOf(Command, 'command');
const inflate = (bytes: Uint8Array, maxBytes: number): Uint8Array =>
  inflateRawSync(bytes, { maxOutputLength: maxBytes });

/** A message to this device, by its topic. */
export type DownMessage =
  | { readonly kind: 'desired'; readonly body: Desired }
  | { readonly kind: 'ack'; readonly body: Ack }
  | { readonly kind: 'cmd'; readonly body: Command };

/** Reads one message of the broker; null when it is of a kind for others. Throws when topic or payload are not valid. */
export function readDown(topic: string, payload: Uint8Array): DownMessage | null {
  const { kind } = parseTopic(topic);
  const value = decodePayload(payload, inflate);
  switch (kind) {
    case 'desired':
      return { kind, body: checkDesired(value) };
    case 'ack':
      return { kind, body: checkAck(value) };
    case 'cmd':
      return { kind, body: checkCommand(value) };
    default:
      return null;
  }
}
