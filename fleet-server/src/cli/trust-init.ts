import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  buildRoot,
  buildTargets,
  generateKeyPair,
  type KeyPair,
  signDocument,
  signerOf,
  type TufKey,
} from '@ringfleet/shared/trust';
import { writeDurably } from '../adapters/write-durably.ts';
import { readPublicKey, writeKey } from './trust-key.ts';

export interface TrustInit {
  readonly dir: string;
  readonly models: readonly string[];
  /** `online.pub.json` of the server: its director, snapshot and timestamp key. */
  readonly onlineKeyFile: string;
  readonly passphrase: string;
  readonly nowMs: number;
}

const YEAR_MS = 365 * 86_400_000;

/**
 * Makes a trust folder with one key per role: a development root, and marked as one. The folder appears complete or not at
 * all, and an existing one is never touched (TRUST_DIR_EXISTS). Returns the key ids by name.
 */
export async function initTrust(init: TrustInit): Promise<Readonly<Record<string, string>>> {
  const final = resolve(init.dir);
  await expectEmpty(final);
  const online = await readPublicKey(init.onlineKeyFile);
  await mkdir(dirname(final), { recursive: true });
  const staging = await mkdtemp(join(dirname(final), `.${basename(final)}-`));
  try {
    const keyIds = await fill(staging, init, online);
    await rmdir(final).catch(ignoreMissing);
    await rename(staging, final);
    return keyIds;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function fill(folder: string, init: TrustInit, online: TufKey): Promise<Record<string, string>> {
  await mkdir(join(folder, 'keys'), { mode: 0o700 });
  await mkdir(join(folder, 'metadata'));
  const root = generateKeyPair(randomBytes(32));
  const targets = generateKeyPair(randomBytes(32));
  const models = init.models.map((model) => ({ model, pair: generateKeyPair(randomBytes(32)) }));
  const named: [string, KeyPair][] = [
    ['root', root],
    ['targets', targets],
    ...models.map(({ model, pair }): [string, KeyPair] => [model, pair]),
  ];
  for (const [name, pair] of named) await writeKey(join(folder, 'keys'), name, pair, init.passphrase);
  const common = { version: 1, expires: init.nowMs + YEAR_MS };
  const byOnline = { keys: [online], threshold: 1 };
  const rootPart = buildRoot({
    ...common,
    isDevelopment: true,
    root: only(root),
    targets: only(targets),
    snapshot: byOnline,
    timestamp: byOnline,
    director: { ...byOnline, epoch: 1 },
  });
  const targetsPart = buildTargets({
    ...common,
    models: models.map(({ model, pair }) => ({ model, ...only(pair) })),
  });
  const metadata = join(folder, 'metadata');
  await writeDurably(
    join(metadata, '1.root.json'),
    signDocument(rootPart, [signerOf(root.secretKey)]),
    0o644,
  );
  await writeDurably(
    join(metadata, 'targets.json'),
    signDocument(targetsPart, [signerOf(targets.secretKey)]),
    0o644,
  );
  return Object.fromEntries(named.map(([name, pair]) => [name, pair.keyid]));
}

async function expectEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(ignoreMissing);
  if (names !== undefined && names.length > 0)
    throw new CodedError('TRUST_DIR_EXISTS', undefined, { at: folder });
}

function ignoreMissing(err: unknown): undefined {
  if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return undefined;
  throw err;
}

const only = (pair: KeyPair) => ({ keys: [pair.publicKey], threshold: 1 });
