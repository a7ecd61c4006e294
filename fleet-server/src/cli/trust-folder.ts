import { constants, copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  type ModelRole,
  type Root,
  readModelRole,
  readRoot,
  readTargets,
  type Signer,
  type TargetsRole,
  verifyModelRole,
  verifyRoot,
  verifyTargets,
} from '@ringfleet/shared/trust';
import { writeDurably } from '../adapters/write-durably.ts';
import { type Draft, readDraft, writeDraft } from './trust-draft.ts';
import { openSigner } from './trust-key.ts';
import { keyNamesIn } from './trust-key-names.ts';

export interface RootFile {
  readonly version: number;
  readonly text: string;
}

/**
 * A publisher's trust folder: `keys/NAME.key.json` and `NAME.pub.json`, `metadata/N.root.json`, `targets.json` (older ones
 * as `N.targets.json`) and `m.<model>.json`, and `drafts/` that wait for signatures. It lives on the publisher's machine;
 * the server gets the metadata and never a key.
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
  async roots(): Promise<readonly RootFile[]> {
    const versions = await this.#versions('root');
    if (versions.length === 0) throw new CodedError('TRUST_DIR_INVALID', `${this.path} has no root`);
    return await Promise.all(
      versions.map(async (version) => ({ version, text: await this.metadata(`${version}.root.json`) })),
    );
  }

  /** The newest root, the whole chain up to it checked. */
  async newestRoot(): Promise<RootFile & { readonly root: Root }> {
    let last: RootFile | null = null;
    let root: Root | null = null;
    for (const file of await this.roots()) {
      root = verifyRoot(last?.text ?? null, file.text, null);
      last = file;
    }
    if (!last || !root) throw new CodedError('TRUST_DIR_INVALID', `${this.path} has no root`);
    return { ...last, root };
  }

  /** The newest root and the targets role under it, their signatures checked. */
  async verified(): Promise<{ readonly root: Root; readonly targets: TargetsRole }> {
    const { root } = await this.newestRoot();
    try {
      return { root, targets: verifyTargets(root, await this.metadata('targets.json'), null) };
    } catch (cause) {
      if (!(cause instanceof CodedError) || root.version === 1) throw cause;
      const what = `under root ${root.version}, ${cause.message}; \`ringfleet trust targets renew\` makes one to sign`;
      throw new CodedError(cause.code, what, { cause });
    }
  }

  /** The targets role to build upon: signed as today's root or an earlier one of the chain asked for. */
  async lastTargets(): Promise<{ readonly text: string; readonly targets: TargetsRole }> {
    const text = await this.metadata('targets.json');
    const roots = [...(await this.roots())].reverse();
    return { text, targets: firstOf(roots, ({ text: root }) => verifyTargets(readRoot(root), text, null)) };
  }

  /** The model's releases to build upon: signed as today's delegation or an earlier one asked for; null before the first. */
  async lastModelRole(model: string): Promise<{ readonly text: string; readonly role: ModelRole } | null> {
    const text = await this.metadataOrNull(`m.${model}.json`);
    if (text === null) return null;
    const older = [...(await this.#versions('targets'))].reverse();
    const documents = [(await this.lastTargets()).text];
    for (const version of older) documents.push(await this.metadata(`${version}.targets.json`));
    return {
      text,
      role: firstOf(documents, (targets) => verifyModelRole(readTargets(targets), model, text, null)),
    };
  }

  /** Puts a fully signed draft into its place and forgets the draft. Throws what its verification throws. */
  async install(draft: Draft): Promise<void> {
    const { role, document } = draft;
    if (role === 'root') {
      const { version } = verifyRoot((await this.newestRoot()).text, document, null);
      await this.#write(`${version}.root.json`, document);
    } else if (role === 'targets') {
      const last = await this.lastTargets();
      const { root } = await this.newestRoot();
      verifyTargets(root, document, null, last.targets.version + 1);
      // Kept for what was signed under it: a publisher's metadata is built upon when its keys have changed.
      await this.#write(`${last.targets.version}.targets.json`, last.text);
      await this.#write('targets.json', document);
    } else {
      const { model } = readModelRole(document);
      const last = await this.lastModelRole(model);
      verifyModelRole((await this.verified()).targets, model, document, null, (last?.role.version ?? 0) + 1);
      await this.#write(`m.${model}.json`, document);
    }
    await rm(this.draftPath(role, versionOf(draft)), { force: true });
  }

  draftPath(role: string, version: number): string {
    return join(this.path, 'drafts', `${version}.${role}.draft.json`);
  }

  /** Keeps a draft; returns its path. */
  async keepDraft(draft: Draft): Promise<string> {
    const version = versionOf(draft);
    await mkdir(join(this.path, 'drafts'), { recursive: true });
    const path = this.draftPath(draft.role, version);
    await writeDraft(path, draft);
    return path;
  }

  /** All drafts that wait, with their paths. */
  async drafts(): Promise<readonly { readonly path: string; readonly draft: Draft }[]> {
    const names = await readdir(join(this.path, 'drafts')).catch(() => [] as string[]);
    const paths = names
      .filter((name) => name.endsWith('.draft.json'))
      .sort()
      .map((name) => join(this.path, 'drafts', name));
    return await Promise.all(paths.map(async (path) => ({ path, draft: await readDraft(path) })));
  }

  async draftOf(role: string): Promise<{ readonly path: string; readonly draft: Draft } | null> {
    return (await this.drafts()).find(({ draft }) => draft.role === role) ?? null;
  }

  /** Throws DRAFT_OPEN while a change of this role waits for signatures. */
  async expectNoDraft(role: string): Promise<void> {
    const open = await this.draftOf(role);
    if (open) throw new CodedError('DRAFT_OPEN', undefined, { at: open.path });
  }

  /** Names of keys by id, of the public halves that lie in `keys/`. */
  keyNames(): Promise<ReadonlyMap<string, string>> {
    return keyNamesIn(join(this.path, 'keys'));
  }

  /** Keeps copies of public keys, so that their names can be shown; one that is there already stays. */
  async keepPublicKeys(files: readonly string[]): Promise<void> {
    await mkdir(join(this.path, 'keys'), { recursive: true, mode: 0o700 });
    for (const file of files.filter((path) => path.endsWith('.pub.json'))) {
      const copy = join(this.path, 'keys', basename(file));
      await copyFile(file, copy, constants.COPYFILE_EXCL).catch((err: unknown) => {
        if (!(err instanceof Error && 'code' in err && err.code === 'EEXIST')) throw err;
      });
    }
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
    return await openSigner(path, passphrase).catch((cause: unknown) => {
      if (!(cause instanceof CodedError) || cause.code !== 'FILE_UNREADABLE') throw cause;
      throw new CodedError('TRUST_DIR_INVALID', `there is no key ${path}`, { cause });
    });
  }

  async #versions(role: 'root' | 'targets'): Promise<readonly number[]> {
    const names = await readdir(join(this.path, 'metadata')).catch((cause: unknown) => {
      throw new CodedError('TRUST_DIR_INVALID', `${this.path} has no folder metadata`, { cause });
    });
    const pattern = new RegExp(`^(\\d+)\\.${role}\\.json$`);
    return names
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  async #write(file: string, text: string): Promise<void> {
    await writeDurably(this.metadataPath(file), text, 0o644);
  }
}

/** The trust folder that a draft lies in, or null when it came by hand to somewhere else. */
export async function folderOfDraft(path: string): Promise<TrustFolder | null> {
  const match = /^(.*)[/\\]drafts[/\\][^/\\]+$/.exec(resolve(path));
  const folder = match?.[1] === undefined ? null : new TrustFolder(match[1]);
  const isOne = await folder?.roots().then(
    () => true,
    () => false,
  );
  return isOne ? folder : null;
}

const versionOf = ({ role, document }: Draft): number =>
  role === 'root'
    ? readRoot(document).version
    : role === 'targets'
      ? readTargets(document).version
      : readModelRole(document).version;

/** The first that does not throw; when all do, what the first one threw. */
function firstOf<T, R>(from: readonly T[], attempt: (one: T) => R): R {
  let first: unknown;
  for (const one of from) {
    try {
      return attempt(one);
    } catch (err) {
      first ??= err;
    }
  }
  throw first;
}
