import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineFolder } from '../core/engine-folder.ts';
import type { Engines } from '../ports/engines.ts';

/** `engines/<provider>/<release>/…` */
export class FsEngines implements Engines {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async keepOnly(digests: () => readonly string[]): Promise<void> {
    for (const provider of await list(this.#root)) {
      const names = await list(join(this.#root, provider));
      const kept = new Set(digests().map(engineFolder));
      for (const name of names) {
        if (!kept.has(name)) await rm(join(this.#root, provider, name), { recursive: true, force: true });
      }
    }
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Nothing was compiled yet.
    return [];
  }
}
