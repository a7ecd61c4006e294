import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentPackage, AgentPackages } from '../ports/agent-packages.ts';

/** Node, ONNX Runtime and the agent are 60 to 90 MB. */
const MAX_PACKAGE_BYTES = 512 * 1024 * 1024;

/** The agent's packages of one version in a folder of the server; who installs devices fetches them here. */
export class PackageFolder implements AgentPackages {
  readonly #dir: string;
  readonly #version: string;
  readonly #digests = new Map<string, { readonly mark: string; readonly sha256: Promise<string> }>();

  constructor(dir: string, version: string) {
    this.#dir = dir;
    this.#version = version;
  }

  /** Packages of other versions, and what is larger than a package can be, are not there. */
  async list(): Promise<readonly AgentPackage[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const found = await Promise.all(names.toSorted().map((name) => this.#look(name)));
    return found.filter((one) => one !== null);
  }

  /** The file of a listed package; null for every other name. */
  async open(
    name: string,
  ): Promise<{ readonly found: AgentPackage; readonly bytes: NodeJS.ReadableStream } | null> {
    const found = await this.#look(name);
    return found && { found, bytes: createReadStream(join(this.#dir, found.file)) };
  }

  async #look(file: string): Promise<AgentPackage | null> {
    const [, version, arch] = NAME.exec(file) ?? [];
    if (version !== this.#version || arch === undefined) return null;
    const path = join(this.#dir, file);
    const found = await stat(path).catch(() => null);
    if (!found?.isFile() || found.size > MAX_PACKAGE_BYTES) return null;
    const mark = `${found.size} ${found.mtimeMs} ${found.ino}`;
    let known = this.#digests.get(file);
    if (known?.mark !== mark) {
      known = { mark, sha256: sha256Of(path) };
      known.sha256.catch(() => this.#digests.delete(file));
      this.#digests.set(file, known);
    }
    return { file, arch, sizeBytes: found.size, sha256: await known.sha256 };
  }
}

const NAME = /^ringfleet-agent_([0-9A-Za-z.~+-]{1,64})_(amd64|arm64)\.deb$/;

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
