import { expect, it } from 'vitest';
import { frameGuard } from './mqtt-frame-guard.ts';

/** One packet with a body of `size` bytes. */
function packet(size: number): Buffer {
  const header = [0x30];
  let rest = size;
  do {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(size, 0xff)]);
}

it.each([1, 3, 7, 1000])('lets packets up to the limit pass in pieces of %i bytes', (piece) => {
  const guard = frameGuard(() => 300);
  const bytes = Buffer.concat([packet(0), packet(127), packet(128), packet(300), packet(2)]);
  for (let at = 0; at < bytes.length; at += piece) {
    expect(guard(bytes.subarray(at, at + piece))).toBe(true);
  }
});

it('stops a larger one at its header, wherever the bytes are cut', () => {
  const bytes = Buffer.concat([packet(300), packet(301).subarray(0, 3)]);
  expect(frameGuard(() => 300)(bytes)).toBe(false);
  const guard = frameGuard(() => 300);
  expect(guard(bytes.subarray(0, bytes.length - 1))).toBe(true);
  expect(guard(bytes.subarray(bytes.length - 1))).toBe(false);
});

it('stops a length of more than four bytes', () => {
  expect(frameGuard(() => 2 ** 40)(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
});
