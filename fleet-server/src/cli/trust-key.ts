import { randomBytes } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import {
  generateKeyPair,
  type KeyPair,
  NONCE_BYTES,
  openKeyFile,
  publicKeyFile,
  readPublicKeyFile,
  SALT_BYTES,
  type Signer,
  sealKeyFile,
  signerOf,
  type TufKey,
} from '@ringfleet/shared/trust';
import { writeDurably } from '../adapters/write-durably.ts';

/** Makes `NAME.key.json` (0600, locked) and `NAME.pub.json` in a folder. Throws KEY_FILE_EXISTS. */
export async function createKey(dir: string, name: string, passphrase: string): Promise<KeyPair> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const file of [`${name}.key.json`, `${name}.pub.json`]) {
    const isThere = await access(join(dir, file)).then(
      () => true,
      () => false,
    );
    if (isThere) throw new CodedError('KEY_FILE_EXISTS', undefined, { at: join(dir, file) });
  }
  const pair = generateKeyPair(randomBytes(32));
  await writeKey(dir, name, pair, passphrase);
  return pair;
}

/** Locks a key pair into two files of a folder. */
export async function writeKey(
  folder: string,
  name: string,
  pair: KeyPair,
  passphrase: string,
): Promise<void> {
  const random = { salt: randomBytes(SALT_BYTES), nonce: randomBytes(NONCE_BYTES) };
  const sealed = sealKeyFile(pair.secretKey, passphrase, random);
  await writeDurably(join(folder, `${name}.key.json`), `${JSON.stringify(sealed, null, 2)}\n`, 0o600);
  const shown = publicKeyFile(pair.publicKey);
  await writeDurably(join(folder, `${name}.pub.json`), `${JSON.stringify(shown, null, 2)}\n`, 0o644);
}

/** Opens a key file. Throws FILE_UNREADABLE, KEY_FILE_INVALID or KEY_PASSPHRASE_WRONG, naming the file. */
export async function openSigner(path: string, passphrase: string): Promise<Signer> {
  const text = await read(path);
  try {
    return signerOf(openKeyFile(parseJson(text, path), passphrase));
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError(cause.code, cause.message, { cause, at: path });
  }
}

/** The key of a `NAME.pub.json`. Throws FILE_UNREADABLE or KEY_FILE_INVALID. */
export async function readPublicKey(path: string): Promise<TufKey> {
  const key = parseJson(await read(path), path);
  try {
    return readPublicKeyFile(key);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError(cause.code, cause.message, { cause, at: path });
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

async function read(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  });
}
