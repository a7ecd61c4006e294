/** Bounds of one MQTT packet: a CONNECT carries ids and a will, later ones a payload of up to 256 KiB and a topic. */
export const MAX_FRAME_BEFORE_CONNACK = 16 * 1024;
export const MAX_FRAME = 256 * 1024 + 1024;

/**
 * Follows the packet boundaries of one connection's bytes and answers false as soon as a packet announces more than
 * `maxBytes()`, or no valid length. The parser behind it would buffer whatever is announced, even before a CONNECT.
 */
export function frameGuard(maxBytes: () => number): (chunk: Uint8Array) => boolean {
  let toSkip = 0;
  let isInHeader = false;
  let length = 0;
  let factor = 1;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (toSkip > 0) {
        const skipped = Math.min(toSkip, chunk.length - at);
        toSkip -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (!isInHeader) {
        // The packet type; its remaining length follows, 7 bits a byte (MQTT-2.2.3).
        isInHeader = true;
        length = 0;
        factor = 1;
        continue;
      }
      length += (byte & 0x7f) * factor;
      factor *= 128;
      if (length > maxBytes()) return false;
      if ((byte & 0x80) !== 0) {
        if (factor > 128 ** 3) return false;
        continue;
      }
      isInHeader = false;
      toSkip = length;
    }
    return true;
  };
}
