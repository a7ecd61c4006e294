import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Bare hex of a file's sha256, read as a stream; null when the file is not there. */
export async function sha256OfFile(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }))
      hash.update(chunk as Buffer);
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return null;
    throw err;
  }
  return hash.digest('hex');
}
