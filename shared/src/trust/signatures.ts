import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Key } from '@tufjs/models';
import { CodedError } from '../errors/index.ts';
import type { UnverifiedDocument } from './signed-document.ts';
import type { Role, TufKey } from './types.ts';

/** RFC 8410: what stands before the 32 bytes of an ed25519 key in a DER SubjectPublicKeyInfo. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A public key that can check. `identity` is the key itself, so that one key under two ids counts once. */
export interface Verifier {
  readonly identity: string;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * Checks that `threshold` different keys of the role signed the document. Throws METADATA_UNSIGNED, SIGNATURE_INVALID,
 * KEY_UNKNOWN or THRESHOLD_NOT_MET.
 */
export function verifySignatures(what: string, role: Role, document: UnverifiedDocument): void {
  const verifiers = [...role.keys].map(([keyid, key]) => [keyid, ed25519Verifier(key)] as const);
  verifyThreshold(what, new Map(verifiers), role.threshold, document);
}

/** The same for keys of any kind. */
export function verifyThreshold(
  what: string,
  keys: ReadonlyMap<string, Verifier>,
  threshold: number,
  document: UnverifiedDocument,
): void {
  const valid = new Set<string>();
  let invalid = 0;
  for (const { keyid, sig } of document.signatures) {
    const key = keys.get(keyid);
    if (key === undefined) continue;
    if (key.verify(document.bytes, Buffer.from(sig, 'hex'))) valid.add(key.identity);
    else invalid++;
  }
  if (valid.size >= threshold) return;
  if (document.signatures.length === 0) throw new CodedError('METADATA_UNSIGNED', `${what} is not signed`);
  if (invalid > 0) throw new CodedError('SIGNATURE_INVALID', `${what}: a signature does not fit its content`);
  if (valid.size === 0) throw new CodedError('KEY_UNKNOWN', `${what} is not signed by any key of its role`);
  throw new CodedError(
    'THRESHOLD_NOT_MET',
    `${what} is signed by ${valid.size} of the ${threshold} keys that its role asks for`,
  );
}

/** The keys of a role that we can check; others never count (DESIGN §4: ed25519 only). */
export function roleOf(
  keyIds: readonly string[],
  threshold: number,
  keys: Readonly<Record<string, Key>>,
): Role {
  const usable = new Map<string, TufKey>();
  for (const keyid of keyIds) {
    const key = Object.hasOwn(keys, keyid) ? keys[keyid] : undefined;
    const hex = key?.keyVal['public'] ?? '';
    if (key?.keyType !== 'ed25519' || key.scheme !== 'ed25519' || !/^[0-9a-f]{64}$/.test(hex)) continue;
    usable.set(keyid, { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } });
  }
  return { keys: usable, threshold };
}

/** Checks with an ed25519 key in TUF's form. */
export const ed25519Verifier = (key: TufKey): Verifier => ({
  identity: key.keyval.public,
  verify: (bytes, signature) => verify(null, bytes, keyObject(key), signature),
});

const keyObject = (key: TufKey): KeyObject =>
  createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(key.keyval.public, 'hex')]),
    format: 'der',
    type: 'spki',
  });
