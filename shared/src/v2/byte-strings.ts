import { CodedError } from '../errors/index.ts';

const encoder = new TextEncoder();

/** BYTES elements in the binary form of the protocol: u32le length, then the bytes. */
export function packStrings(items: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = items.map((item) => (typeof item === 'string' ? encoder.encode(item) : item));
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** The other direction. Throws REQUEST_INVALID unless the bytes are exactly `count` elements. */
export function unpackStrings(data: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const items: Uint8Array[] = [];
  let at = 0;
  while (at < data.length && items.length < count) {
    const length = at + 4 <= data.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > data.length) break;
    items.push(data.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (items.length !== count || at !== data.length) {
    throw new CodedError('REQUEST_INVALID', `a BYTES tensor does not hold exactly ${count} elements`);
  }
  return items;
}

/** UTF-8 text of one element. Throws REQUEST_INVALID on other bytes, which only the binary form can carry. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError('REQUEST_INVALID', 'a BYTES element is not UTF-8; use the binary extension', {
      cause,
    });
  }
}
