import { CodedError } from '@ringfleet/shared/errors';

export const MAX_FRAME_HEADER_BYTES = 64 * 1024;
export const MAX_FRAME_BODY_BYTES = 128 * 1024 * 1024;

/** u32le header bytes, u32le body bytes, JSON header, raw body at a multiple of 8 (DESIGN §12 "runner frame"). */
export function encodeFrame(header: object, body: Uint8Array = EMPTY): Buffer[] {
  const json = Buffer.from(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_FRAME_HEADER_BYTES || body.length > MAX_FRAME_BODY_BYTES) {
    throw new CodedError('RUNNER_FRAME_INVALID', 'a frame is larger than runner and agent accept');
  }
  const head = Buffer.alloc(8 + headerBytes, 0x20);
  head.writeUInt32LE(headerBytes, 0);
  head.writeUInt32LE(body.length, 4);
  json.copy(head, 8);
  return body.length === 0 ? [head] : [head, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
}

/**
 * Takes chunks as they arrive and hands on whole frames. Throws RUNNER_FRAME_INVALID on what cannot be one, before
 * waiting for its bytes; the connection is of no use after that.
 */
export function frameReader(onFrame: (header: unknown, body: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  let needed = 8;
  return (chunk) => {
    parts.push(chunk);
    held += chunk.length;
    while (held >= needed) {
      // Joined only when a length or a whole frame is there, so that every byte is copied twice at most.
      const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, held);
      const headerBytes = bytes.readUInt32LE(0);
      const bodyBytes = bytes.readUInt32LE(4);
      if (headerBytes > MAX_FRAME_HEADER_BYTES || bodyBytes > MAX_FRAME_BODY_BYTES) {
        throw new CodedError(
          'RUNNER_FRAME_INVALID',
          'a frame announces more bytes than runner and agent accept',
        );
      }
      const total = 8 + headerBytes + bodyBytes;
      if (held < total) {
        parts = [bytes];
        needed = total;
        return;
      }
      const header = parseHeader(bytes.subarray(8, 8 + headerBytes));
      const rest = bytes.subarray(total);
      parts = rest.length > 0 ? [rest] : [];
      held = rest.length;
      needed = 8;
      onFrame(header, bytes.subarray(8 + headerBytes, total));
    }
  };
}

const EMPTY = new Uint8Array(0);

function parseHeader(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CodedError('RUNNER_FRAME_INVALID', 'the header of a frame is not JSON', { cause });
  }
}
