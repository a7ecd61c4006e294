import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { StoredMetadata, TrustMetadataStore } from '@ringfleet/shared/trust';
import { syncFolder, writeDurably } from './durable-file.ts';

const NUMBERED_ROOT = /^([1-9]\d{0,14})\.root\.json$/;
const ROLE_FILE = /^(.+)\.json$/;

/**
 * A folder of plain files, laid out as other TUF clients do: `ROLE.json` (percent-encoded), `root_history/N.root.json`,
 * and the first root in `factory/`. The numbers in `root_history` are the floor, whatever becomes of `root.json`.
 */
export class TrustMetadataFolder implements TrustMetadataStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async load(): Promise<StoredMetadata> {
    const factoryRoot = await read(this.#factory);
    if (factoryRoot === null)
      throw new CodedError('METADATA_MISSING', 'there is no first root', { at: this.#dir });
    const roles = new Map<string, Uint8Array>();
    for (const name of await names(this.#dir)) {
      const role = ROLE_FILE.exec(name)?.[1];
      const bytes = role === undefined || role === 'root' ? null : await read(join(this.#dir, name));
      if (role !== undefined && bytes !== null) roles.set(decodeURIComponent(role), bytes);
    }
    const versions = (await names(this.#history)).map((name) => Number(NUMBERED_ROOT.exec(name)?.[1] ?? 0));
    return {
      factoryRoot,
      root: await read(join(this.#dir, 'root.json')),
      rootFloor: Math.max(0, ...versions),
      roles,
    };
  }

  async init(factoryRoot: Uint8Array, version: number): Promise<void> {
    for (const name of await names(this.#dir)) {
      if (ROLE_FILE.test(name)) await rm(join(this.#dir, name));
    }
    await rm(this.#history, { recursive: true, force: true });
    await mkdir(join(this.#dir, 'factory'), { recursive: true, mode: 0o700 });
    await writeDurably(this.#factory, factoryRoot);
    await this.keepRoot(version, factoryRoot);
  }

  async keepRoot(version: number, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#history, { recursive: true, mode: 0o700 });
    // The floor first: power lost in between costs a download, the other order would cost the floor.
    await writeDurably(join(this.#history, `${version}.root.json`), bytes);
    await writeDurably(join(this.#dir, 'root.json'), bytes);
  }

  async keep(role: string, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#file(role), bytes);
  }

  async drop(role: string): Promise<void> {
    await rm(this.#file(role), { force: true });
    await syncFolder(this.#dir);
  }

  get #factory(): string {
    return join(this.#dir, 'factory', 'root.json');
  }

  get #history(): string {
    return join(this.#dir, 'root_history');
  }

  #file(role: string): string {
    return join(this.#dir, `${encodeURIComponent(role)}.json`);
  }
}

async function read(path: string): Promise<Uint8Array | null> {
  return readFile(path).catch(noneIfMissing(null));
}

async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(noneIfMissing([]));
}

const noneIfMissing =
  <T>(none: T) =>
  (err: unknown): T => {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return none;
    throw err;
  };
