import 'reflect-metadata';

import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and what signs with its key. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

export interface Pair extends Authority {
  readonly keyPem: string;
}

export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const ROOT_DAYS = 20 * 365;
const INTERMEDIATE_DAYS = 10 * 365;
const SERVER_DAYS = 365;
/** Devices with a clock that is a little behind must be able to use a fresh certificate. */
const BACKDATE_MS = DAY_MS;

export async function makeRoot(fleet: string, nowMs: number): Promise<Pair> {
  const { publicKey, privateKey } = await newKeys();
  const name: JsonName = [{ CN: [`${fleet} root CA`] }, { O: ['Ringfleet'] }];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...common(nowMs, nowMs + ROOT_DAYS * DAY_MS),
    name,
    keys: { publicKey, privateKey },
    extensions: [...authorityExtensions(1), await SubjectKeyIdentifierExtension.create(publicKey)],
  });
  return { certificate, privateKey, keyPem: await keyPem(privateKey) };
}

export async function makeIntermediate(fleet: string, root: Authority, nowMs: number): Promise<Pair> {
  const { publicKey, privateKey } = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    ...common(nowMs, nowMs + INTERMEDIATE_DAYS * DAY_MS),
    subject: [{ CN: [`${fleet} CA`] }, { O: ['Ringfleet'] }],
    issuer: root.certificate.subject,
    publicKey,
    signingKey: root.privateKey,
    extensions: [
      ...authorityExtensions(0),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  });
  return { certificate, privateKey, keyPem: await keyPem(privateKey) };
}

/** The certificate of both listeners, for `host` and for this machine. */
export async function makeServer(host: string, by: Authority, nowMs: number): Promise<Pair> {
  const { publicKey, privateKey } = await newKeys();
  const certificate = await issue(by, {
    publicKey,
    subject: [{ CN: [host.slice(0, 64)] }],
    nowMs,
    notAfterMs: nowMs + SERVER_DAYS * DAY_MS,
    use: 'server',
    hosts: serverHosts(host),
  });
  return { certificate, privateKey, keyPem: await keyPem(privateKey) };
}

export const serverHosts = (host: string): readonly string[] => [
  ...new Set([host, 'localhost', '127.0.0.1', '::1']),
];

export interface Leaf {
  readonly publicKey: PublicKey | webcrypto.CryptoKey;
  readonly subject: JsonName;
  readonly nowMs: number;
  readonly notAfterMs: number;
  readonly use: 'server' | 'client';
  readonly hosts?: readonly string[];
}

export async function issue(by: Authority, leaf: Leaf): Promise<X509Certificate> {
  const use = leaf.use === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([use]),
    await AuthorityKeyIdentifierExtension.create(by.certificate.publicKey),
  ];
  const hosts = leaf.hosts ?? [];
  if (hosts.length > 0) {
    extensions.push(
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    );
  }
  return X509CertificateGenerator.create({
    ...common(leaf.nowMs, leaf.notAfterMs),
    subject: leaf.subject,
    issuer: by.certificate.subject,
    publicKey: leaf.publicKey,
    signingKey: by.privateKey,
    extensions,
  });
}

const common = (nowMs: number, notAfterMs: number) => ({
  serialNumber: newSerial(),
  notBefore: new Date(nowMs - Math.min(BACKDATE_MS, (notAfterMs - nowMs) / 90)),
  notAfter: new Date(notAfterMs),
  signingAlgorithm: SIGNING,
});

/** 127 random bits; the first byte keeps it positive and of one length, so that its hex form is always the same. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toString('hex');
}

const authorityExtensions = (pathLength: number): Extension[] => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n').trim()}\n-----END PRIVATE KEY-----\n`;
}
