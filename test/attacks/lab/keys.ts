import { createHash } from 'node:crypto';
import { generateKeyPair, type RoleKeys, type Signer, signerOf } from '@ringfleet/shared/trust';

const signer = (name: string): Signer =>
  signerOf(generateKeyPair(createHash('sha256').update(`attacks: ${name}`).digest()).secretKey);

/** Everyone who signs, and the thief, whose key no document ever names. */
export const KEYS = {
  rootA: signer('root a'),
  rootB: signer('root b'),
  rootC: signer('root c'),
  targets: signer('targets'),
  tinyA: signer('tiny a'),
  tinyB: signer('tiny b'),
  other: signer('other'),
  snapshot: signer('snapshot'),
  timestamp: signer('timestamp'),
  director: signer('director'),
  /** For what comes after a theft. */
  fresh: signer('fresh'),
  thief: signer('thief'),
} as const;

export const roleOfKeys = (threshold: number, ...signers: readonly Signer[]): RoleKeys => ({
  keys: signers.map((one) => one.publicKey),
  threshold,
});
