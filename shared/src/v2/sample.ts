import { CodedError } from '../errors/index.ts';
import type { WireBody } from './body.ts';

/** A sample file (`NNN.req`, `NNN.res`): u32le length of the body's JSON part, then the body (DESIGN §12 "samples"). */
export function packSample(headerBytes: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + body.length);
  new DataView(out.buffer).setUint32(0, headerBytes, true);
  out.set(body, 4);
  return out;
}

/** The other direction, ready for the decoders. Throws SAMPLE_INVALID. */
export function unpackSample(bytes: Uint8Array): Required<WireBody> {
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (length < 2 || length > bytes.length - 4) throw new CodedError('SAMPLE_INVALID');
  return { headerBytes: length, body: bytes.subarray(4) };
}
