import 'reflect-metadata';

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  type X509Certificate,
} from '@peculiar/x509';
import { CodedError } from '@ringfleet/shared/errors';
import type { Log } from '../ports/log.ts';
import type { DeviceCertificate, Pki } from '../ports/pki.ts';
import { readPair, writePair } from './pki-files.ts';
import {
  type Authority,
  issue,
  makeIntermediate,
  makeRoot,
  makeServer,
  type Pair,
  serverHosts,
} from './pki-issue.ts';
import { verifyDevice } from './pki-verify.ts';

const DAY_MS = 86_400_000;
const DEVICE_DAYS = 90;
/** The server's own certificate is renewed at start when it has less than this left. */
const RENEW_BEFORE_MS = 60 * DAY_MS;

export interface PkiOptions {
  readonly fleet: string;
  /** The name or address that devices reach this server by. */
  readonly publicHost: string;
  readonly nowMs: number;
  readonly log: Log;
  /** 90 days, unless a test wants to see one end. */
  readonly deviceLifetimeMs?: number;
}

/**
 * Opens the built-in certificate authority in keys/ of the data folder, and makes what is missing: root (20 years),
 * intermediate (10 years), and the server's own certificate for `publicHost`, localhost and the loopback addresses.
 */
export async function openPki(dataDir: string, options: PkiOptions): Promise<Pki> {
  const { fleet, publicHost, nowMs, log, deviceLifetimeMs = DEVICE_DAYS * DAY_MS } = options;
  const folder = join(dataDir, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = async (name: string, make: () => Promise<Pair>): Promise<Pair> => {
    const pair = await make();
    await writePair(folder, name, pair);
    log.info(
      { component: 'pki', certificate: name, notAfter: pair.certificate.notAfter },
      'certificate made',
    );
    return pair;
  };
  const root = (await readPair(folder, 'ca')) ?? (await made('ca', () => makeRoot(fleet, nowMs)));
  const intermediate =
    (await readPair(folder, 'intermediate')) ??
    (await made('intermediate', () => makeIntermediate(fleet, root, nowMs)));
  const known = await readPair(folder, 'server');
  const isGood =
    known !== null && servesHost(known.certificate, publicHost) && isFresh(known.certificate, nowMs);
  const server = isGood ? known : await made('server', () => makeServer(publicHost, intermediate, nowMs));

  const ca = pem(root.certificate);
  return {
    caPem: ca,
    caPin: `sha256:${createHash('sha256').update(Buffer.from(root.certificate.rawData)).digest('hex')}`,
    serverTls: {
      key: server.keyPem,
      cert: pem(server.certificate) + pem(intermediate.certificate) + ca,
      ca,
    },
    issueDevice: (csrPem, device, issuedAtMs) =>
      issueDevice(intermediate, { fleet, csrPem, device, nowMs: issuedAtMs, lifetimeMs: deviceLifetimeMs }),
    keyDigest: async (csrPem) =>
      createHash('sha256')
        .update(Buffer.from((await requestedKey(csrPem)).rawData))
        .digest(),
    verifyDevice: (certificatePem) =>
      verifyDevice({ rootPem: ca, intermediatePem: pem(intermediate.certificate), fleet }, certificatePem),
  };
}

async function issueDevice(
  by: Authority,
  request: { fleet: string; csrPem: string; device: string; nowMs: number; lifetimeMs: number },
): Promise<DeviceCertificate> {
  const { fleet, csrPem, device, nowMs, lifetimeMs } = request;
  const notAfterMs = Math.floor((nowMs + lifetimeMs) / 1000) * 1000;
  const certificate = await issue(by, {
    publicKey: await requestedKey(csrPem),
    subject: [{ CN: [device] }, { O: [fleet] }],
    nowMs,
    notAfterMs,
    use: 'client',
  });
  return {
    certificate: pem(certificate) + pem(by.certificate),
    serial: certificate.serialNumber.toLowerCase(),
    notAfterMs,
  };
}

async function requestedKey(csrPem: string): Promise<PublicKey> {
  let request: Pkcs10CertificateRequest;
  let isSigned: boolean;
  try {
    request = new Pkcs10CertificateRequest(csrPem);
    isSigned = await request.verify();
  } catch (cause) {
    throw new CodedError('CSR_INVALID', undefined, { cause, at: '/csr' });
  }
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (!isSigned || name !== 'ECDSA' || namedCurve !== 'P-256') {
    throw new CodedError('CSR_INVALID', undefined, { at: '/csr' });
  }
  return request.publicKey;
}

const isFresh = (certificate: X509Certificate, nowMs: number): boolean =>
  certificate.notAfter.getTime() - nowMs > RENEW_BEFORE_MS && certificate.notBefore.getTime() <= nowMs;

function servesHost(certificate: X509Certificate, host: string): boolean {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return serverHosts(host).every((wanted) => names.some((name) => name.value === wanted));
}

const pem = (certificate: X509Certificate): string => `${certificate.toString('pem').trim()}\n`;
