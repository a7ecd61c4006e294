import { mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import { renameDurably } from './durable-file.ts';
import { storing } from './storing.ts';

/** `blobs/sha256/ab/<hex>`, with downloads under way in `blobs/partial/`. */
export class FsBlobStore implements BlobStore {
  readonly #root: string;
  readonly #hasher: Hasher;

  constructor(root: string, hasher: Hasher) {
    this.#root = root;
    this.#hasher = hasher;
  }

  path(digest: string): string {
    const hex = hexOf(digest);
    return join(this.#root, 'sha256', hex.slice(0, 2), hex);
  }

  async has(digest: string, sizeBytes: number): Promise<boolean> {
    return (await sizeOf(this.path(digest))) === sizeBytes;
  }

  async partialBytes(digest: string): Promise<number> {
    return (await sizeOf(this.#partial(digest))) ?? 0;
  }

  async append(
    digest: string,
    from: number,
    bytes: AsyncIterable<Uint8Array>,
    maxBytes: number,
  ): Promise<void> {
    await storing(digest, async () => {
      const path = this.#partial(digest);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(path, 'a', 0o600);
      try {
        await truncate(path, from);
        let size = from;
        for await (const chunk of bytes) {
          size += chunk.length;
          if (size > maxBytes)
            throw new CodedError('ARTIFACT_CORRUPT', `more than ${maxBytes} bytes arrived`, { at: digest });
          await file.appendFile(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  async finish(digest: string): Promise<void> {
    const partial = this.#partial(digest);
    const found = await this.#hasher.sha256OfFile(partial);
    if (found === null && (await sizeOf(this.path(digest))) !== null) return;
    if (found !== hexOf(digest)) {
      await rm(partial, { force: true });
      throw new CodedError('ARTIFACT_CORRUPT', `the bytes have sha256:${found ?? 'nothing'}`, { at: digest });
    }
    await storing(digest, async () => {
      await mkdir(dirname(this.path(digest)), { recursive: true, mode: 0o700 });
      await renameDurably(partial, this.path(digest));
    });
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  async sweep(keep: () => Promise<ReadonlySet<string>>): Promise<void> {
    const names = await list(join(this.#root, 'partial'));
    const found = names.map((name) => ({ name, path: join(this.#root, 'partial', name) }));
    for (const folder of await list(join(this.#root, 'sha256'))) {
      for (const name of await list(join(this.#root, 'sha256', folder))) {
        const path = join(this.#root, 'sha256', folder, name);
        // Slots hold hard links: one link left means that no release uses it.
        if ((await linksOf(path)) === 1) found.push({ name, path });
      }
    }
    const kept = found.length === 0 ? new Set<string>() : await keep();
    for (const { name, path } of found) if (!kept.has(`sha256:${name}`)) await rm(path, { force: true });
  }

  #partial(digest: string): string {
    return join(this.#root, 'partial', hexOf(digest));
  }
}

function hexOf(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new CodedError('ARTIFACT_CORRUPT', 'not a sha256 digest', { at: digest });
  return hex;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch {
    // Missing is the ordinary case; anything else shows up again when the file is opened.
    return null;
  }
}

async function linksOf(path: string): Promise<number> {
  try {
    return (await stat(path)).nlink;
  } catch {
    // Gone in the meantime.
    return 0;
  }
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    // Nothing was stored yet.
    return [];
  }
}
