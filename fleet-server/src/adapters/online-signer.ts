import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { generateKeyPair, publicKeyFile, type Signer, signerOf } from '@ringfleet/shared/trust';
import { writeDurably } from './write-durably.ts';

/**
 * The server's online key (director, and snapshot and timestamp with it): keys/online.key.json, made at the first start.
 * Its public half, keys/online.pub.json, is what the offline root names.
 */
export async function openOnlineSigner(dataDir: string): Promise<Signer> {
  const keys = join(dataDir, 'keys');
  const secretFile = join(keys, 'online.key.json');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const secret = (await readSecret(secretFile)) ?? (await makeSecret(secretFile));
  const signer = signerOf(secret);
  const publicHalf = JSON.stringify(publicKeyFile(signer.publicKey), null, 2);
  await writeDurably(join(keys, 'online.pub.json'), `${publicHalf}\n`, 0o644);
  return signer;
}

async function readSecret(path: string): Promise<Uint8Array | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return null;
    throw err;
  }
  try {
    const { secretKey } = JSON.parse(text) as { secretKey: string };
    const bytes = Buffer.from(secretKey, 'hex');
    if (bytes.length === 64) return new Uint8Array(bytes);
  } catch (cause) {
    throw new CodedError('IDENTITY_FILES_INVALID', undefined, { cause, at: path });
  }
  throw new CodedError('IDENTITY_FILES_INVALID', undefined, { at: path });
}

async function makeSecret(path: string): Promise<Uint8Array> {
  const { secretKey } = generateKeyPair(randomBytes(32));
  const content = { secretKey: Buffer.from(secretKey).toString('hex') };
  await writeDurably(path, `${JSON.stringify(content)}\n`, 0o600);
  return secretKey;
}
