import { webcrypto } from 'node:crypto';

/** A new P-256 key of this device and the request to certify it. */
export async function makeKey(id: string): Promise<{ csr: string; keyPem: string }> {
  // Loaded here only: an agent that has its certificate does not need it for months.
  const { Pkcs10CertificateRequestGenerator, PemConverter } = await import('./x509-library.ts');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const csr = await Pkcs10CertificateRequestGenerator.create(
    { name: `CN=${id}`, keys, signingAlgorithm: algorithm },
    webcrypto as Crypto,
  );
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { csr: csr.toString('pem'), keyPem: PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
