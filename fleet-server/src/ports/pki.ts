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
}

export interface DeviceCertificate {
  /** PEM: the device's certificate followed by the intermediate's. */
  readonly certificate: string;
  /** Lower-case hex as Node shows it, without leading zeros. */
  readonly serial: string;
  readonly notAfterMs: number;
}
