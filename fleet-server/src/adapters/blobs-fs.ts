import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { BlobStore } from '../ports/stores.ts';
import { syncFolder } from './write-durably.ts';

const DIGEST = /^sha256:([0-9a-f]{64})$/;

/**
 * Files under their digest, `sha256/ab/<hex>` of one folder. A file appears there only complete, hashed and on the disk;
 * what an upload that was cut off left behind is removed at the next start.
 */
export async function openBlobs(folder: string): Promise<BlobStore> {
  const temporary = join(folder, 'incoming');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  for (const name of await readdir(temporary)) await rm(join(temporary, name), { force: true });

  async function size(digest: string): Promise<number | null> {
    try {
      return (await stat(pathOf(folder, digest).file)).size;
    } catch (err) {
      if (isMissing(err)) return null;
      throw err;
    }
  }

  return {
    size,
    async put(digest, bytes, maxBytes) {
      const target = pathOf(folder, digest);
      const known = await size(digest);
      if (known !== null) return { sizeBytes: known };
      const partial = join(temporary, randomUUID());
      try {
        const file = await open(partial, 'wx', 0o600);
        const sizeBytes = await writeHashed(file, bytes, digest, maxBytes).finally(() => file.close());
        await mkdir(target.folder, { recursive: true, mode: 0o700 });
        await rename(partial, target.file);
        await syncFolder(target.folder);
        await syncFolder(join(folder, 'sha256'));
        return { sizeBytes };
      } catch (err) {
        await rm(partial, { force: true });
        throw err;
      }
    },
    async *read(digest, range) {
      if ((await size(digest)) === null) throw new CodedError('BLOB_UNKNOWN', `no file ${digest} is stored`);
      yield* createReadStream(pathOf(folder, digest).file, range) as AsyncIterable<Uint8Array>;
    },
  };
}

/** Throws UPLOAD_TOO_LARGE as soon as it is, DIGEST_MISMATCH at the end. */
async function writeHashed(
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  digest: string,
  maxBytes: number,
): Promise<number> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of bytes) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new CodedError('UPLOAD_TOO_LARGE', `more than ${maxBytes} bytes`);
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw new CodedError('DIGEST_MISMATCH', `the bytes have ${found}, not ${digest}`);
  await file.sync();
  return sizeBytes;
}

/** Where a file of this digest is kept, if it is. Throws BLOB_UNKNOWN when it is no digest. */
export const blobFile = (folder: string, digest: string): string => pathOf(folder, digest).file;

function pathOf(folder: string, digest: string): { folder: string; file: string } {
  const hex = DIGEST.exec(digest)?.[1];
  if (!hex) throw new CodedError('BLOB_UNKNOWN', 'a digest is sha256: and 64 hex digits');
  const shard = join(folder, 'sha256', hex.slice(0, 2));
  return { folder: shard, file: join(shard, hex) };
}

const isMissing = (err: unknown): boolean => err instanceof Error && 'code' in err && err.code === 'ENOENT';
