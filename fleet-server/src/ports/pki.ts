/** The built-in certificate authority of one fleet server: root, intermediate, and what they sign. */
export interface Pki {
  /** PEM of the root certificate. */
  readonly caPem: string;
  /** `sha256:<hex>` of the root certificate's DER: the pin that enrollment tokens carry. */
  readonly caPin: string;
  /** For both listeners; `cert` is the whole chain, the root included, so that a device can pin it at first contact. */
  readonly serverTls: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Signs a device's request: CN = device id, clientAuth, 90 days. Throws CSR_INVALID. */
  issueDevice(csrPem: string, device: string, nowMs: number): Promise<DeviceCertificate>;
  /** sha256 of the public key (SPKI, DER) of a request. Throws CSR_INVALID. */
  keyDigest(csrPem: string): Promise<Uint8Array>;
  /** Verifies a device's certificate at its own last moment: it may have ended. Throws RENEWAL_REFUSED. */
  verifyDevice(certificatePem: string): KnownCertificate;
}

/** A certificate that this authority issued to a device; whether it was revoked says the registry. */
export interface KnownCertificate {
  readonly device: string;
  readonly serial: string;
  readonly notAfterMs: number;
  /** Whether its key made this signature: base64, DER form, ECDSA with SHA-256. */
  hasSigned(text: string, signature: string): boolean;
}

export interface DeviceCertificate {
  /** PEM: the device's certificate followed by the intermediate's. */
  readonly certificate: string;
  /** Lower-case hex as Node shows it, without leading zeros. */
  readonly serial: string;
  readonly notAfterMs: number;
}
