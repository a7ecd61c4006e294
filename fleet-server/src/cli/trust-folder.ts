import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  openKeyFile,
  type Root,
  type Signer,
  signerOf,
  type TargetsRole,
  verifyRoot,
  verifyTargets,
} from '@ringfleet/shared/trust';

/**
 * A publisher's trust folder: `keys/NAME.key.json` and `NAME.pub.json`, `metadata/N.root.json`, `targets.json` and
 * `m.<model>.json`. It lives on the publisher's machine; the server gets the metadata and never a key.
 */
export class TrustFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  metadataPath(file: string): string {
    return join(this.path, 'metadata', file);
  }

  /** All roots, oldest first. Throws TRUST_DIR_INVALID. */
  async roots(): Promise<{ readonly version: number; readonly text: string }[]> {
    const names = await readdir(join(this.path, 'metadata')).catch((cause: unknown) => {
      throw new CodedError('TRUST_DIR_INVALID', `${this.path} has no folder metadata`, { cause });
    });
    const versions = names
      .flatMap((name) => /^(\d+)\.root\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    if (versions.length === 0) throw new CodedError('TRUST_DIR_INVALID', `${this.path} has no root`);
    return await Promise.all(
      versions.map(async (version) => ({ version, text: await this.metadata(`${version}.root.json`) })),
    );
  }

  /** The newest root and the targets role under it, their signatures checked. */
  async verified(): Promise<{ readonly root: Root; readonly targets: TargetsRole }> {
    const newest = (await this.roots()).at(-1);
    const root = verifyRoot(null, newest?.text ?? '', null);
    return { root, targets: verifyTargets(root, await this.metadata('targets.json'), null) };
  }

  /** Text of a signed document. Throws TRUST_DIR_INVALID when it is not there. */
  async metadata(file: string): Promise<string> {
    const text = await this.metadataOrNull(file);
    if (text === null) throw new CodedError('TRUST_DIR_INVALID', `${this.metadataPath(file)} is missing`);
    return text;
  }

  async metadataOrNull(file: string): Promise<string | null> {
    try {
      return await readFile(this.metadataPath(file), 'utf8');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
      throw new CodedError('FILE_UNREADABLE', this.metadataPath(file), { cause });
    }
  }

  /** Opens `keys/NAME.key.json`. Throws TRUST_DIR_INVALID, KEY_FILE_INVALID or KEY_PASSPHRASE_WRONG. */
  async signer(name: string, passphrase: string): Promise<Signer> {
    const path = join(this.path, 'keys', `${name}.key.json`);
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new CodedError('TRUST_DIR_INVALID', `there is no key ${path}`, { cause });
    });
    try {
      return signerOf(openKeyFile(parseJson(text, path), passphrase));
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      throw new CodedError(cause.code, cause.message, { cause, at: path });
    }
  }
}

/** Parses a key file's text. Throws KEY_FILE_INVALID. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('KEY_FILE_INVALID', `${path} is not JSON`, { cause });
  }
}
