import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Copied {
  readonly sizeBytes: number;
  /** Bare hex, of the bytes that were written. */
  readonly sha256: string;
}

/** Copies one file, 0600 in folders of 0700, to the disk, and says what was copied. `to` must not exist. */
export async function copyFile(from: string, to: string, signal?: AbortSignal): Promise<Copied> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(to, 'wx', 0o600);
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20, signal })) {
      sizeBytes += chunk.length;
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** What a file holds now. */
export async function measure(path: string): Promise<Copied> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    sizeBytes += chunk.length;
    hash.update(chunk);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
