import { describe, expect, it } from 'vitest';
import { encodeFrame, frameReader } from './frames.ts';

const frames = [
  { header: { id: 1, op: 'infer' }, body: Buffer.from([1, 2, 3]) },
  { header: { id: 2, op: 'counts' }, body: Buffer.alloc(0) },
  { header: { id: 3, text: 'ü'.repeat(100) }, body: Buffer.alloc(70_000, 7) },
];
const wire = Buffer.concat(frames.flatMap(({ header, body }) => encodeFrame(header, body)));

describe('frames', () => {
  it.each([1, 7, 8, 65_536, wire.length])('come back whole from chunks of %i bytes', (size) => {
    const read: unknown[] = [];
    const feed = frameReader((header, body) => read.push({ header, body: Buffer.from(body) }));
    for (let at = 0; at < wire.length; at += size) feed(wire.subarray(at, at + size));
    expect(read).toEqual(frames);
  });

  it('start their body at a multiple of eight', () => {
    expect((encodeFrame({ id: 1 })[0] as Buffer).length % 8).toBe(0);
  });

  it('go out in one piece when they are small, so that one write carries them', () => {
    expect(encodeFrame({ id: 1 }, new Uint8Array(2_000))).toHaveLength(1);
    expect(encodeFrame({ id: 1 }, new Uint8Array(70_000))).toHaveLength(2);
  });

  it.each([
    ['a header too long', [0xff, 0xff, 0xff, 0, 0, 0, 0, 0]],
    ['a body too long', [8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ['a header that is not JSON', [2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7b]],
  ])('are refused with %s, before their bytes are there', (_what, bytes) => {
    const feed = frameReader(() => undefined);
    expect(() => feed(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: 'RUNNER_FRAME_INVALID' }));
  });

  it('are not written when the other side would refuse them', () => {
    expect(() => encodeFrame({ text: 'x'.repeat(70_000) })).toThrow(
      expect.objectContaining({ code: 'RUNNER_FRAME_INVALID' }),
    );
  });
});
