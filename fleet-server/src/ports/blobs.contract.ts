import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobStore } from './stores.ts';

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** What every implementation of the blob store must do. */
export function describeBlobStore(
  name: string,
  make: () => Promise<{ blobs: BlobStore; dispose: () => Promise<void> }>,
): void {
  describe(`BlobStore: ${name}`, () => {
    let blobs: BlobStore;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ blobs, dispose } = await make());
    });
    afterEach(() => dispose());

    it('gives back what was put, whole and in part', async () => {
      const digest = digestOf('hello world');
      expect(await blobs.size(digest)).toBeNull();
      expect(await blobs.put(digest, chunks('hello', ' world'), 100)).toEqual({ sizeBytes: 11 });
      expect(await blobs.put(digest, chunks('is not read again'), 100)).toEqual({ sizeBytes: 11 });
      expect(await blobs.size(digest)).toBe(11);
      expect(await textOf(blobs.read(digest))).toBe('hello world');
      expect(await textOf(blobs.read(digest, { start: 6, end: 8 }))).toBe('wor');
    });

    it.each([
      ['do not match', 'other', 100, 'DIGEST_MISMATCH'],
      ['are too many', 'hello', 4, 'UPLOAD_TOO_LARGE'],
    ] as const)('keeps nothing when the bytes %s', async (_, text, maxBytes, code) => {
      const digest = digestOf('hello');
      await expect(blobs.put(digest, chunks(text), maxBytes)).rejects.toMatchObject({ code });
      expect(await blobs.size(digest)).toBeNull();
      await expect(textOf(blobs.read(digest))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    });

    it('knows no digest that is a path', async () => {
      await expect(blobs.size('sha256:../../etc/passwd')).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    });
  });
}
