import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}
interface Dates {
  readonly notBefore: Date;
  readonly notAfter: Date;
}
export interface TestCa {
  readonly pem: string;
  /** `sha256:<hex>` of the root's DER. */
  readonly pin: string;
  issue(commonName: string, ip?: string | readonly string[], dates?: Dates): Promise<TestCertificate>;
}

/** A certificate authority for one test. */
export async function makeTestCa(name: string, ownDates?: Dates): Promise<TestCa> {
  cryptoProvider.set(webcrypto as Crypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const dates = ownDates ?? {
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
  };
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    ...dates,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 1;
  return {
    pem: root.toString('pem'),
    pin: `sha256:${createHash('sha256').update(Buffer.from(root.rawData)).digest('hex')}`,
    issue: async (commonName, ip, leafDates = dates) => {
      serial += 1;
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const leaf = await X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(2, '0'),
        subject: `CN=${commonName}`,
        issuer: root.subject,
        ...leafDates,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: ip
          ? [new SubjectAlternativeNameExtension([ip].flat().map((value) => ({ type: 'ip', value })))]
          : [],
      });
      const key = PemConverter.encode(
        await webcrypto.subtle.exportKey('pkcs8', own.privateKey),
        'PRIVATE KEY',
      );
      return {
        certificate: `${new X509Certificate(leaf.rawData).toString('pem')}\n${root.toString('pem')}`,
        key,
      };
    },
  };
}
