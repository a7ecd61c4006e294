import { scryptSync } from 'node:crypto';
import nacl from 'tweetnacl';
import { type Static, Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { keyIdOf, publicKeyOf } from './keys.ts';
import type { TufKey } from './types.ts';

const Base64 = Type.String({ maxLength: 512, pattern: '^[A-Za-z0-9+/]*={0,2}$' });
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const PublicKey = Type.Object({
  keytype: Type.Literal('ed25519'),
  scheme: Type.Literal('ed25519'),
  keyval: Type.Object({ public: Hex32 }),
});

/** `NAME.key.json`: a secret key under a passphrase (scrypt and secretbox). */
export const KeyFile = Type.Object({
  schema: Type.Literal('ringfleet/key/1'),
  keyid: Hex32,
  key: PublicKey,
  kdf: Type.Object({
    name: Type.Literal('scrypt'),
    // Fixed: a file must not choose how much memory opening it takes.
    n: Type.Literal(131_072),
    r: Type.Literal(8),
    p: Type.Literal(1),
    salt: Base64,
  }),
  cipher: Type.Object({ name: Type.Literal('xsalsa20-poly1305'), nonce: Base64 }),
  sealed: Base64,
});
export type KeyFile = Static<typeof KeyFile>;

/** `NAME.pub.json`. */
export const PublicKeyFile = Type.Object({
  schema: Type.Literal('ringfleet/public-key/1'),
  keyid: Hex32,
  key: PublicKey,
});
export type PublicKeyFile = Static<typeof PublicKeyFile>;

/** Random bytes a seal needs. */
export const SALT_BYTES = 32;
export const NONCE_BYTES = nacl.secretbox.nonceLength;

/** Encrypts a secret key under a passphrase. `salt` and `nonce` are fresh random bytes. Takes about half a second. */
export function sealKeyFile(
  secretKey: Uint8Array,
  passphrase: string,
  random: { readonly salt: Uint8Array; readonly nonce: Uint8Array },
): KeyFile {
  const key = publicKeyOf(secretKey);
  const sealed = nacl.secretbox(secretKey, random.nonce, stretch(passphrase, random.salt));
  return {
    schema: 'ringfleet/key/1',
    keyid: keyIdOf(key),
    key,
    kdf: { name: 'scrypt', ...COST, salt: toBase64(random.salt) },
    cipher: { name: 'xsalsa20-poly1305', nonce: toBase64(random.nonce) },
    sealed: toBase64(sealed),
  };
}

/** The secret key of a key file. Throws KEY_FILE_INVALID or KEY_PASSPHRASE_WRONG. */
export function openKeyFile(value: unknown, passphrase: string): Uint8Array {
  const file = checkKeyFile(value);
  const nonce = fromBase64(file.cipher.nonce);
  if (nonce.length !== NONCE_BYTES)
    throw new CodedError('KEY_FILE_INVALID', 'key file: the nonce has a wrong length');
  const secretKey = nacl.secretbox.open(
    fromBase64(file.sealed),
    nonce,
    stretch(passphrase, fromBase64(file.kdf.salt)),
  );
  if (secretKey === null) throw new CodedError('KEY_PASSPHRASE_WRONG');
  return matching(secretKey, file.keyid);
}

/** What may be shown to anyone. */
export function publicKeyFile(key: TufKey): PublicKeyFile {
  return { schema: 'ringfleet/public-key/1', keyid: keyIdOf(key), key };
}

/** The key of a public key file. Throws KEY_FILE_INVALID. */
export function readPublicKeyFile(value: unknown): TufKey {
  const file = checkPublicKeyFile(value);
  if (keyIdOf(file.key) !== file.keyid)
    throw new CodedError('KEY_FILE_INVALID', 'the key id does not fit the key');
  return file.key;
}

const COST = { n: 131_072, r: 8, p: 1 } as const;

const checkKeyFile = checkerOf(KeyFile, 'key file', 'KEY_FILE_INVALID');
const checkPublicKeyFile = checkerOf(PublicKeyFile, 'public key file', 'KEY_FILE_INVALID');

/** scrypt needs 128 · n · r bytes, 128 MiB, and Node allows 32 MiB unless told. */
const stretch = (passphrase: string, salt: Uint8Array): Uint8Array =>
  scryptSync(passphrase.normalize('NFKC'), salt, 32, {
    N: COST.n,
    r: COST.r,
    p: COST.p,
    maxmem: 256 * 1024 * 1024,
  });

function matching(secretKey: Uint8Array, keyid: string): Uint8Array {
  const isKey = secretKey.length === nacl.sign.secretKeyLength && keyIdOf(publicKeyOf(secretKey)) === keyid;
  if (!isKey) throw new CodedError('KEY_FILE_INVALID', 'the key id does not fit the key');
  return secretKey;
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
// A copy: nacl and callers want a plain Uint8Array, not a window into a pool.
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
