import { type Static, Type } from 'typebox';
import { EpochMs } from './ids.ts';

const Csr = Type.String({ maxLength: 8_192 });

/** POST /device/v1/cert over mTLS: a certificate for a new key, before the old one ends. */
export const CertRequest = Type.Object({ csr: Csr });
export type CertRequest = Static<typeof CertRequest>;

/**
 * POST /device/v1/cert-renewal on the people listener, for a device whose certificate has ended: TLS would not let it
 * in, so it shows the old certificate here and signs `renewalText` with the old key.
 */
export const RenewalRequest = Type.Object({
  /** PEM of the old certificate; what follows it is ignored. */
  certificate: Type.String({ maxLength: 16_384 }),
  csr: Csr,
  /** Base64 of the DER form of an ECDSA signature with SHA-256. */
  signature: Type.String({ maxLength: 200 }),
});
export type RenewalRequest = Static<typeof RenewalRequest>;

export const CertReply = Type.Object({
  /** PEM: the device's certificate followed by the intermediate CA's. */
  certificate: Type.String({ maxLength: 16_384 }),
  notAfter: EpochMs,
});
export type CertReply = Static<typeof CertReply>;

/** What the old key signs. The request is repeated in it, so that the signature is good for nothing else. */
export const renewalText = (fleet: string, device: string, csr: string): string =>
  `ringfleet/cert-renewal/1\n${fleet}\n${device}\n${csr}`;
