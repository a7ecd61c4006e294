import { createPublicKey, verify } from 'node:crypto';
import { checkerOf } from '@ringfleet/shared/protocol';
import type { Signer, TufKey } from '@ringfleet/shared/trust';
import { type Static, Type } from 'typebox';

const Hex = (bytes: number) => Type.String({ pattern: `^[0-9a-f]{${2 * bytes}}$` });

/** What the audit log was at one time: its newest row and the hash of the chain up to it, signed by the online key. */
export const Checkpoint = Type.Object({
  v: Type.Literal(1),
  fleet: Type.String(),
  seq: Type.Integer({ minimum: 1 }),
  hash: Hex(32),
  atMs: Type.Integer(),
  keyid: Type.String(),
  signature: Hex(64),
});
export type Checkpoint = Static<typeof Checkpoint>;

export const checkCheckpoint = checkerOf(Checkpoint, 'checkpoint', 'AUDIT_CHECKPOINT_INVALID');

export function signCheckpoint(
  content: Pick<Checkpoint, 'fleet' | 'seq' | 'hash' | 'atMs'>,
  signer: Signer,
): Checkpoint {
  const signature = Buffer.from(signer.sign(signedBytes(content))).toString('hex');
  return { v: 1, ...content, keyid: signer.keyid, signature };
}

export function isSignedBy(checkpoint: Checkpoint, key: TufKey): boolean {
  const x = Buffer.from(key.keyval.public, 'hex').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, signedBytes(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'hex'));
}

/** Begins unlike any TUF document, so that neither can be taken for the other. */
function signedBytes({
  fleet,
  seq,
  hash,
  atMs,
}: Pick<Checkpoint, 'fleet' | 'seq' | 'hash' | 'atMs'>): Buffer {
  return Buffer.from(`ringfleet/audit-checkpoint/1\n${JSON.stringify([fleet, seq, hash, atMs])}`);
}
