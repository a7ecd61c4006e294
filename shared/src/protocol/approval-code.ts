import { type Static, Type } from 'typebox';
import { EpochMs, Id } from './ids.ts';

/** Crockford's base 32: no I, L, O or U, so that it survives being read aloud. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The eight characters that a device shows while it waits for approval, and the server beside its request: 40 bits of the
 * sha256 of its public key (SPKI, DER). Both compute it, so equal codes mean that no other key stands in between.
 */
export function approvalCode(keySha256: Uint8Array): string {
  let bits = 0n;
  for (const byte of keySha256.subarray(0, 5)) bits = bits * 256n + BigInt(byte);
  let code = '';
  for (let shift = 35n; shift >= 0n; shift -= 5n) code += ALPHABET[Number((bits >> shift) & 31n)];
  return code;
}

/** What a person may have typed: small letters, a dash, and letters that look like digits. */
export const normalApprovalCode = (typed: string): string =>
  typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');

/** Answer 202 of POST /device/v1/enroll: the same request again, later, gets the certificate once a person has approved. */
export const EnrollPending = Type.Object({
  state: Type.Literal('pending'),
  device: Id,
  pollAfterMs: Type.Integer({ minimum: 100, maximum: 600_000 }),
  expiresAt: EpochMs,
});
export type EnrollPending = Static<typeof EnrollPending>;
