import type { Writable } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';

export const MAX_FRAME_HEADER_BYTES = 64 * 1024;
export const MAX_FRAME_BODY_BYTES = 128 * 1024 * 1024;

/** Up to here a copy of the body costs less than a second piece to write. */
const COPIED_BODY_BYTES = 16 * 1024;

/** u32le header bytes, u32le body bytes, JSON header, raw body at a multiple of 8 (DESIGN §12 "runner frame"). */
export function encodeFrame(header: object, body: Uint8Array = EMPTY): Buffer[] {
  const json = JSON.stringify(header);
  const jsonBytes = Buffer.byteLength(json);
  const headerBytes = Math.ceil(jsonBytes / 8) * 8;
  if (headerBytes > MAX_FRAME_HEADER_BYTES || body.length > MAX_FRAME_BODY_BYTES) {
    throw new CodedError('RUNNER_FRAME_INVALID', 'a frame is larger than runner and agent accept');
  }
  const isCopied = body.length <= COPIED_BODY_BYTES;
  const bodyAt = 8 + headerBytes;
  const frame = Buffer.allocUnsafe(isCopied ? bodyAt + body.length : bodyAt);
  frame.writeUInt32LE(headerBytes, 0);
  frame.writeUInt32LE(body.length, 4);
  frame.write(json, 8);
  frame.fill(0x20, 8 + jsonBytes, bodyAt);
  if (!isCopied) return [frame, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
  frame.set(body, bodyAt);
  return [frame];
}

/** Writes a frame in one call to the system where it is one piece. */
export function writeFrame(socket: Writable, header: object, body?: Uint8Array): void {
  const [head, rest] = encodeFrame(header, body);
  if (!rest) {
    socket.write(head);
    return;
  }
  socket.cork();
  socket.write(head);
  socket.write(rest);
  socket.uncork();
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
