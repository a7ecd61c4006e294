import { link, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { type Manifest, readManifest } from '@ringfleet/shared/release';
import { filesOf } from '../core/constraints.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { SlotRelease, Slots } from '../ports/slots.ts';
import { renameDurably, syncFolder } from './durable-file.ts';
import { storing } from './storing.ts';

const MANIFEST = 'manifest.json';

/** `slots/<model>/<version>/`: hard links to blobs, because ONNX Runtime refuses symbolic links that leave the folder. */
export class FsSlots implements Slots {
  readonly #root: string;
  readonly #blobs: BlobStore;
  readonly #hasher: Hasher;

  constructor(root: string, blobs: BlobStore, hasher: Hasher) {
    this.#root = root;
    this.#blobs = blobs;
    this.#hasher = hasher;
  }

  install(model: string, release: SlotRelease): Promise<void> {
    return storing(this.#dir(model, release), () => this.#install(model, release));
  }

  async verify(
    model: string,
    release: SlotRelease,
  ): Promise<{ readonly dir: string; readonly manifest: Manifest }> {
    const dir = this.#dir(model, release);
    await this.#check(join(dir, MANIFEST), release.digest, release);
    const manifest = readManifest(await readFile(join(dir, MANIFEST)));
    for (const file of filesOf(manifest, release.variant)) {
      await this.#check(join(dir, file.path), file.sha256, release);
    }
    return { dir, manifest };
  }

  async models(): Promise<readonly string[]> {
    return list(this.#root);
  }

  keepOnly(model: string, versions: () => readonly string[]): Promise<void> {
    return storing(join(this.#root, model), () => this.#keepOnly(model, versions));
  }

  async #keepOnly(model: string, versions: () => readonly string[]): Promise<void> {
    const folder = join(this.#root, model);
    const names = await list(folder);
    // The folder of an install under way goes by its release's name.
    const keep = new Set(versions().flatMap((version) => [version, temporaryOf(version)]));
    for (const name of names) {
      if (!keep.has(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
    if (keep.size === 0) await rm(folder, { recursive: true, force: true });
  }

  async #install(model: string, release: SlotRelease): Promise<void> {
    const dir = this.#dir(model, release);
    const temporary = join(this.#root, model, temporaryOf(release.version));
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const manifest = readManifest(await readFile(this.#blobs.path(release.digest)));
    await link(this.#blobs.path(release.digest), join(temporary, MANIFEST));
    for (const file of filesOf(manifest, release.variant)) {
      const path = join(temporary, file.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await link(this.#blobs.path(file.sha256), path);
    }
    await syncFolder(temporary);
    await rm(dir, { recursive: true, force: true });
    await renameDurably(temporary, dir);
  }

  async #check(path: string, digest: string, release: SlotRelease): Promise<void> {
    const hex = await this.#hasher.sha256OfFile(path);
    if (`sha256:${hex}` === digest) return;
    const what = hex === null ? 'is missing' : 'changed';
    throw new CodedError('SLOT_CORRUPT', `a file of ${release.version} ${what}: ${path}`, { at: path });
  }

  #dir(model: string, release: SlotRelease): string {
    return join(this.#root, model, release.version);
  }
}

const temporaryOf = (version: string): string => `.${version}.new`;

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Nothing was installed yet.
    return [];
  }
}
