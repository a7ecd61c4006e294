import { CodedError } from '../errors/index.ts';

/** Inflates raw deflate, refusing to produce more than `maxBytes`. Node's and the browser's differ, so it is passed in. */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array;

export const MAX_PAYLOAD_BYTES = 256 * 1024;
export const MAX_INFLATED_BYTES = 1024 * 1024;

/**
 * An MQTT payload (DESIGN §9): first byte `{` is plain JSON, 0x01 raw deflate of JSON.
 * Throws MESSAGE_TOO_LARGE, NOT_JSON.
 */
export function decodePayload(bytes: Uint8Array, inflate: Inflate): unknown {
  if (bytes.length > MAX_PAYLOAD_BYTES) throw new CodedError('MESSAGE_TOO_LARGE', `${bytes.length} bytes`);
  const first = bytes[0];
  if (first !== 0x7b && first !== 0x01)
    throw new CodedError('NOT_JSON', 'first byte is neither "{" nor 0x01');
  try {
    const plain = first === 0x01 ? inflate(bytes.subarray(1), MAX_INFLATED_BYTES) : bytes;
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain));
  } catch (cause) {
    throw new CodedError('NOT_JSON', undefined, { cause });
  }
}

/** The other direction; `deflate` returns raw deflate and is used only where it pays. */
export function encodePayload(value: unknown, deflate?: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const plain = new TextEncoder().encode(JSON.stringify(value));
  if (!deflate || plain.length < 512) return plain;
  const packed = deflate(plain);
  const out = new Uint8Array(packed.length + 1);
  out[0] = 0x01;
  out.set(packed, 1);
  return out;
}
