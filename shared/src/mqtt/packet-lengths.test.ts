import { writeToStream } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { sharePool } from './packet-lengths.ts';

describe('lengths of MQTT packets', () => {
  it('of similar messages hold on to one or two pools together, however far apart they are sent', () => {
    const pools = new Set<ArrayBufferLike>();
    for (let bytes = 5000; bytes < 5200; bytes += 1) pools.add(poolAfter('a/topic', bytes, 1));
    expect(pools.size).toBeLessThanOrEqual(4);
  });

  it.each([
    ['the shortest', 0],
    ['the longest that is kept', 16_383 - 3],
    ['one that is not kept', 20_000],
  ])('is right for %s', (_, bytes) => {
    const payload = Buffer.alloc(bytes);
    sharePool('t', payload, 0);
    const length = bytes + 3;
    const encoded = length < 128 ? [length] : [(length % 128) + 128, ...rest(Math.floor(length / 128))];
    expect([...lengthOf('t', payload, 0)]).toEqual(encoded);
  });
});

const rest = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, Math.floor(value / 128)];

/** The pool that the length of a message lies in, after others have used up the pool that is current. */
function poolAfter(topic: string, bytes: number, qos: 0 | 1): ArrayBufferLike {
  const payload = Buffer.alloc(bytes);
  sharePool(topic, payload, qos);
  const { buffer } = lengthOf(topic, payload, qos);
  for (let used = 0; used < Buffer.poolSize; used += 4096) Buffer.allocUnsafe(4096);
  return buffer;
}

function lengthOf(topic: string, payload: Buffer, qos: 0 | 1): Buffer {
  const written: Buffer[] = [];
  const sink = { write: (part: Buffer) => written.push(part) > 0 } as unknown as NodeJS.WritableStream;
  writeToStream({ cmd: 'publish', topic, payload, qos, messageId: 1, dup: false, retain: false }, sink);
  return written[1] as Buffer;
}
