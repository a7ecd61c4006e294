import { createHash } from 'node:crypto';
import nacl from 'tweetnacl';
import { canonicalBytes } from './signed-document.ts';
import type { KeyPair, Signer, TufKey } from './types.ts';

/** Makes a key pair of 32 random bytes. */
export function generateKeyPair(randomBytes32: Uint8Array): KeyPair {
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(randomBytes32);
  const key = tufKey(publicKey);
  return { publicKey: key, keyid: keyIdOf(key), secretKey };
}

/** Signs with a secret key as `generateKeyPair` and `openKeyFile` give it. */
export function signerOf(secretKey: Uint8Array): Signer {
  const publicKey = publicKeyOf(secretKey);
  return {
    keyid: keyIdOf(publicKey),
    publicKey,
    sign: (bytes) => nacl.sign.detached(bytes, secretKey),
  };
}

/** The public half of a secret key. */
export function publicKeyOf(secretKey: Uint8Array): TufKey {
  return tufKey(nacl.sign.keyPair.fromSecretKey(secretKey).publicKey);
}

/** TUF's key id: sha256 of the key's canonical JSON. */
export function keyIdOf(key: TufKey): string {
  const { keytype, scheme, keyval } = key;
  return createHash('sha256')
    .update(canonicalBytes({ keytype, scheme, keyval: { public: keyval.public } }))
    .digest('hex');
}

const tufKey = (publicKey: Uint8Array): TufKey => ({
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: Buffer.from(publicKey).toString('hex') },
});
