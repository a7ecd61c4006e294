import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Key } from '@tufjs/models';
import { ed25519Verifier, roleOf, type Verifier } from '../signatures.ts';
import type { ClientRules } from './rules.ts';

const MIN_RSA_BITS = 2048;

/** The keys of a role that can be checked under the rules, by id; all others never count. */
export function verifiersOf(
  keyIds: readonly string[],
  keys: Readonly<Record<string, Key>>,
  rules: Pick<ClientRules, 'keyTypes'>,
): ReadonlyMap<string, Verifier> {
  const found = new Map<string, Verifier>();
  for (const [keyid, key] of roleOf(keyIds, 1, keys).keys) found.set(keyid, ed25519Verifier(key));
  if (rules.keyTypes === 'ed25519') return found;
  for (const keyid of keyIds) {
    if (found.has(keyid) || !Object.hasOwn(keys, keyid)) continue;
    const verifier = foreignVerifier(keys[keyid] as Key);
    if (verifier !== null) found.set(keyid, verifier);
  }
  return found;
}

/** Key kinds of other repositories: PEM keys for ECDSA on P-256 and P-384, RSA-PSS, and ed25519. */
function foreignVerifier(key: Key): Verifier | null {
  const object = publicKeyOf(key.keyVal['public'] ?? '');
  if (object === null) return null;
  const hash = /^(?:ecdsa-sha2-nistp|rsassa-pss-sha)(256|384|512)$/.exec(key.scheme)?.[1];
  const algorithm = hash === undefined ? null : `sha${hash}`;
  const options = optionsOf(key, object);
  if (options === null || (algorithm === null && key.scheme !== 'ed25519')) return null;
  return {
    identity: object.export({ format: 'der', type: 'spki' }).toString('hex'),
    verify: (bytes, signature) => {
      try {
        return verify(algorithm, bytes, { key: object, ...options }, signature);
      } catch {
        // A signature that cannot even be read is one that does not fit.
        return false;
      }
    },
  };
}

/** How a key of this type and scheme checks; null when type, scheme and key do not belong together. */
function optionsOf({ keyType, scheme }: Key, object: KeyObject): object | null {
  const { namedCurve, modulusLength } = object.asymmetricKeyDetails ?? {};
  if (scheme === 'ed25519')
    return keyType === 'ed25519' && object.asymmetricKeyType === 'ed25519' ? {} : null;
  if (scheme.startsWith('ecdsa-')) {
    const curve = scheme === 'ecdsa-sha2-nistp256' ? 'prime256v1' : 'secp384r1';
    const isOfType = keyType === 'ecdsa' || keyType === scheme;
    return isOfType && scheme !== 'ecdsa-sha2-nistp512' && namedCurve === curve ? {} : null;
  }
  if (keyType !== 'rsa' || object.asymmetricKeyType !== 'rsa' || (modulusLength ?? 0) < MIN_RSA_BITS)
    return null;
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
}

/** RFC 5480: what stands before the 65 bytes of an uncompressed P-256 point in a DER SubjectPublicKeyInfo. */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

function publicKeyOf(text: string): KeyObject | null {
  try {
    // Older repositories write the bare point in hex.
    if (/^04[0-9a-f]{128}$/.test(text)) {
      const key = Buffer.concat([P256_PREFIX, Buffer.from(text, 'hex')]);
      return createPublicKey({ key, format: 'der', type: 'spki' });
    }
    return text.startsWith('-----BEGIN PUBLIC KEY-----') ? createPublicKey(text) : null;
  } catch {
    // No key we can read, so one that never counts.
    return null;
  }
}
