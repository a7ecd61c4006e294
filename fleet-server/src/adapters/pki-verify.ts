import { verify, X509Certificate } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import type { KnownCertificate } from '../ports/pki.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Verifies a device's certificate against our own authority, at the certificate's own last moment: whether it has ended
 * is another question, and TLS answers it before it answers this one (a self-signed expired certificate reports
 * CERT_HAS_EXPIRED as well). Nothing of a chain that the caller shows is used. Throws RENEWAL_REFUSED.
 */
export function verifyDevice(
  authority: { readonly rootPem: string; readonly intermediatePem: string; readonly fleet: string },
  certificatePem: string,
): KnownCertificate {
  const leaf = parse(certificatePem);
  const root = new X509Certificate(authority.rootPem);
  const intermediate = new X509Certificate(authority.intermediatePem);
  const notAfterMs = Date.parse(leaf.validTo);
  const isOurs =
    isIssuedBy(leaf, intermediate) &&
    isIssuedBy(intermediate, root) &&
    isValidAt(intermediate, notAfterMs) &&
    isValidAt(root, notAfterMs);
  if (!isOurs) throw refused('the certificate was not issued by this fleet');
  const device = field(leaf, 'CN');
  if (leaf.ca || !leaf.keyUsage?.includes(CLIENT_AUTH) || field(leaf, 'O') !== authority.fleet || !device) {
    throw refused('the certificate is not one of a device');
  }
  return {
    device,
    serial: leaf.serialNumber.toLowerCase(),
    notAfterMs,
    hasSigned: (text, signature) =>
      verify('sha256', Buffer.from(text), leaf.publicKey, Buffer.from(signature, 'base64')),
  };
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CodedError('RENEWAL_REFUSED', 'the certificate cannot be read', { cause, at: '/certificate' });
  }
}

const refused = (message: string): CodedError =>
  new CodedError('RENEWAL_REFUSED', message, { at: '/certificate' });

const isIssuedBy = (one: X509Certificate, by: X509Certificate): boolean =>
  by.ca && one.checkIssued(by) && one.verify(by.publicKey);

const isValidAt = (one: X509Certificate, ms: number): boolean =>
  Date.parse(one.validFrom) <= ms && ms <= Date.parse(one.validTo);

const field = (one: X509Certificate, name: string): string | undefined =>
  one.subject
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);
