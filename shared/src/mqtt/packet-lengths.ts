import { writeToStream } from 'mqtt-packet';

/** mqtt-packet keeps the encoded length of every packet shorter than this, for as long as the process lives. */
const KEPT_BELOW = 16_384;
const BLOCK = 256;
/** Of a publish with a topic of one byte and nothing in it. */
const SHORTEST = 3;
const NOTHING = Buffer.alloc(KEPT_BELOW);

const made = new Set<number>();

/**
 * To be called before each publish. mqtt-packet keeps a length as a slice of Node's shared pool of 64 KiB, so each length
 * that has not been sent before holds on to another pool, up to 1 GiB in all (mqttjs/mqtt-packet#163). This makes the
 * lengths around a new one at once, in the same pool: at most 64 of them, and one or two for messages of similar size.
 */
export function sharePool(topic: string, payload: Uint8Array, qos: 0 | 1): void {
  const length = 2 + Buffer.byteLength(topic) + (qos === 0 ? 0 : 2) + payload.length;
  const block = Math.floor(length / BLOCK);
  if (length >= KEPT_BELOW || made.has(block)) return;
  made.add(block);
  for (let one = Math.max(SHORTEST, block * BLOCK); one < (block + 1) * BLOCK; one += 1) {
    const empty = NOTHING.subarray(0, one - SHORTEST);
    writeToStream({ cmd: 'publish', topic: '/', payload: empty, qos: 0, dup: false, retain: false }, NOWHERE);
  }
}

/** What mqtt-packet uses of a stream. */
const NOWHERE = { write: () => true } as unknown as NodeJS.WritableStream;
