import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { BundleFile } from '@ringfleet/shared/trust';
import { syncFolder, writeDurably } from '../adapters/write-durably.ts';
import type { Download } from './context.ts';

const FOLDERS = ['metadata', 'assignments', 'acks', 'artifacts', 'artifacts/sha256', 'results'];
/** A device reads these whole. */
const MAX_READ_BYTES = 32 * 1024 * 1024;

/** A bundle on a stick. Other files on it are left alone. Methods throw STICK_NOT_WRITABLE, BUNDLE_FILE_UNSAFE. */
export class BundleFolder {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** From here on until `finish` there is no bundle in the folder: a device never sees half of one. */
  begin(): Promise<void> {
    return this.#writing(async () => {
      await mkdir(this.#dir, { recursive: true });
      await rm(this.#path('bundle.json'), { force: true });
      for (const folder of FOLDERS) {
        await mkdir(this.#path(folder), { recursive: true });
        // A link here would lead what is written somewhere else.
        if (!(await lstat(this.#path(folder))).isDirectory())
          throw new CodedError('BUNDLE_FILE_UNSAFE', `${folder} is a link`, { at: folder });
      }
      await syncFolder(this.#dir);
    });
  }

  write(path: string, text: string): Promise<void> {
    return this.#writing(() => writeDurably(this.#path(path), text, 0o644));
  }

  /** Whether the file is there with exactly these bytes. */
  async has({ path, length, sha256 }: BundleFile): Promise<boolean> {
    const found = await lstat(this.#path(path)).catch(() => null);
    if (!found?.isFile() || found.size !== length) return false;
    return (await hashOf(this.#path(path))).digest('hex') === sha256;
  }

  /** Goes on with what an earlier try left, hashes everything, and names the file only when it is right. */
  async fetch(file: BundleFile, download: (from: number) => Promise<Download>): Promise<void> {
    const target = this.#path(file.path);
    const partial = `${target}.part`;
    const left = await lstat(partial).catch(() => null);
    const isUsable = left?.isFile() === true && left.size < file.length;
    if (left && !isUsable) await this.#writing(() => rm(partial, { recursive: true, force: true }));
    const { startsAt, bytes } = await download(isUsable ? left.size : 0);
    const hash = startsAt > 0 ? await hashOf(partial) : createHash('sha256');
    await this.#append(partial, startsAt, file, bytes, hash);
    await this.#writing(async () => {
      await rename(partial, target);
      await syncFolder(dirname(target));
    });
  }

  /** Removes what earlier bundles left in our folders, but for results, then makes this one visible. */
  async finish(bundle: string, files: readonly BundleFile[]): Promise<void> {
    const keep = new Set(files.map(({ path }) => path));
    await this.#writing(async () => {
      for (const folder of FOLDERS) {
        if (folder === 'results' || folder === 'artifacts') continue;
        for (const name of await readdir(this.#path(folder))) {
          if (!keep.has(`${folder}/${name}`))
            await rm(this.#path(`${folder}/${name}`), { recursive: true, force: true });
        }
      }
    });
    await this.write('bundle.json', bundle);
  }

  async #append(
    partial: string,
    from: number,
    { path, length, sha256 }: BundleFile,
    bytes: AsyncIterable<Uint8Array>,
    hash: ReturnType<typeof createHash>,
  ): Promise<void> {
    const file = await this.#writing(() => open(partial, from > 0 ? 'a' : 'w', 0o644));
    try {
      let size = from;
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > length) throw await corrupt(partial, path);
        hash.update(chunk);
        await this.#writing(() => file.appendFile(chunk));
      }
      if (size < length) throw new CodedError('SERVER_UNREACHABLE', `${path} broke off after ${size} bytes`);
      await this.#writing(() => file.sync());
    } finally {
      await closed(file);
    }
    if (hash.digest('hex') !== sha256) throw await corrupt(partial, path);
  }

  async #writing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CodedError('STICK_NOT_WRITABLE', why, { cause, at: this.#dir });
    }
  }

  #path(path: string): string {
    return join(this.#dir, path);
  }
}

/** The files that devices left in `results/`, by name. Throws RESULTS_MISSING, METADATA_TOO_LARGE. */
export async function resultFiles(dir: string): Promise<readonly { name: string; text: string }[]> {
  const folder = join(dir, 'results');
  const names = await readdir(folder).catch(() => []);
  const found = [];
  for (const name of names.toSorted()) {
    const path = join(folder, name);
    const stat = await lstat(path);
    if (!/^[A-Za-z0-9_-]{1,64}\.json$/.test(name) || !stat.isFile()) continue;
    if (stat.size > MAX_READ_BYTES)
      throw new CodedError('METADATA_TOO_LARGE', `${path} has ${stat.size} bytes`, { at: path });
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) chunks.push(chunk);
    found.push({ name, text: Buffer.concat(chunks).toString('utf8') });
  }
  if (found.length === 0) throw new CodedError('RESULTS_MISSING', `${folder} holds none`, { at: folder });
  return found;
}

async function hashOf(path: string) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash;
}

async function corrupt(partial: string, path: string): Promise<CodedError> {
  await rm(partial, { force: true });
  return new CodedError('BUNDLE_FILE_CORRUPT', `${path} did not arrive as it was signed for`, { at: path });
}

const closed = (file: FileHandle): Promise<void> => file.close();
