import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { renameDurably } from './durable-file.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * A folder that somebody brought: only plain files below plain folders are opened in it, so that no link on it leads
 * anywhere else. All paths are relative and checked by the caller's format.
 */
export class Stick {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Throws STICK_UNREADABLE. */
  static async open(dir: string): Promise<Stick> {
    try {
      return new Stick(await realpath(dir));
    } catch (cause) {
      throw unreadable(dir, cause);
    }
  }

  /** A whole small file; null when there is none. Throws METADATA_TOO_LARGE, BUNDLE_FILE_UNSAFE, STICK_UNREADABLE. */
  async text(path: string, maxBytes: number): Promise<string | null> {
    const file = await this.#open(path);
    if (file === null) return null;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.#chunks(path, file)) {
      size += chunk.length;
      if (size > maxBytes)
        throw new CodedError('METADATA_TOO_LARGE', `${path} is larger than ${maxBytes} bytes`, { at: path });
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** A large file, piece by piece. Throws BUNDLE_INCOMPLETE, BUNDLE_FILE_UNSAFE, STICK_UNREADABLE. */
  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const file = await this.#open(path);
    if (file === null) throw new CodedError('BUNDLE_INCOMPLETE', `the bundle lacks ${path}`, { at: path });
    yield* this.#chunks(path, file);
  }

  /** Writes a file so that it is there whole or not at all. Throws BUNDLE_FILE_UNSAFE, STICK_NOT_WRITABLE. */
  async write(path: string, content: string): Promise<void> {
    const target = join(this.dir, path);
    const temporary = `${target}.${randomUUID()}.tmp`;
    try {
      await mkdir(dirname(target)).catch(ignoreExisting);
      await this.#checkFolders(path);
      const file = await open(temporary, 'wx', 0o644);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await renameDurably(temporary, target);
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      await rm(temporary, { force: true }).catch(() => undefined);
      throw new CodedError('STICK_NOT_WRITABLE', `${target}: ${reasonOf(cause)}`, { cause, at: target });
    }
  }

  async #open(path: string): Promise<FileHandle | null> {
    try {
      await this.#checkFolders(path);
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      // O_NONBLOCK: a pipe under this name would be waited for without end.
      const file = await open(join(this.dir, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      throw unsafe(path);
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      const code = codeOf(cause);
      if (code === 'ENOENT') return null;
      if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO') throw unsafe(path);
      throw unreadable(join(this.dir, path), cause);
    }
  }

  async #checkFolders(path: string): Promise<void> {
    let folder = this.dir;
    for (const part of path.split('/').slice(0, -1)) {
      folder = join(folder, part);
      if (!(await lstat(folder)).isDirectory()) throw unsafe(path);
    }
  }

  async *#chunks(path: string, file: FileHandle): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES).catch((cause: unknown) => {
          throw unreadable(join(this.dir, path), cause);
        });
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
}

const unsafe = (path: string): CodedError =>
  new CodedError('BUNDLE_FILE_UNSAFE', `${path} is a link or no plain file`, { at: path });

const unreadable = (path: string, cause: unknown): CodedError =>
  new CodedError('STICK_UNREADABLE', `${path}: ${reasonOf(cause)}`, { cause, at: path });

const codeOf = (err: unknown): string | undefined =>
  err instanceof Error && 'code' in err ? String(err.code) : undefined;

const reasonOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

function ignoreExisting(err: unknown): void {
  if (codeOf(err) !== 'EEXIST') throw err;
}
