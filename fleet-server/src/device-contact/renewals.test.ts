import 'reflect-metadata';

import { createPrivateKey, sign, webcrypto, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509CertificateGenerator } from '@peculiar/x509';
import { type CertReply, renewalText } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPki } from '../adapters/pki.ts';
import { newDeviceKey } from '../adapters/pki-fixture.ts';
import { SILENT } from '../ports/log.ts';
import type { Change } from '../ports/stores.ts';
import { type Answer, call, FLEET, startWorld, TestDevice, type World } from './device-side-fixture.ts';

const DAY_MS = 86_400_000;
let nowMs: number;
let world: World;
let device: TestDevice;
beforeEach(async () => {
  nowMs = Date.now();
  world = await startWorld(undefined, { clock: () => nowMs });
  device = await TestDevice.enroll(world, 'edge-1');
});
afterEach(() => world.stop());
const change = (): Change => ({ by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: nowMs });

const signature = (keyPem: string, csr: string, id = 'edge-1'): string =>
  sign('sha256', Buffer.from(renewalText(FLEET, id, csr)), createPrivateKey(keyPem)).toString('base64');

/** The third way in, with what a test wants to change. */
async function renewEnded(
  changes: { certificate?: string; key?: string; csr?: string } = {},
): Promise<Answer> {
  const csr = (await newDeviceKey()).csrPem;
  const { certificate = device.tls.cert, key = device.tls.key } = changes;
  return call(`${world.peopleUrl}/device/v1/cert-renewal`, {
    method: 'POST',
    body: { certificate, csr: changes.csr ?? csr, signature: signature(key, csr) },
    tls: { ca: world.ca },
  });
}
const codeOf = (answer: Answer): unknown => (JSON.parse(answer.text) as { code?: unknown }).code;

describe('renewal over mTLS', () => {
  it('a renewal request with the name of another device', async () => {
    const { keyPem, csrPem } = await newDeviceKey('P-256', 'CN=edge-2');
    const answer = await device.http('cert', { method: 'POST', body: { csr: csrPem } });
    expect(answer.status).toBe(200);
    const reply = JSON.parse(answer.text) as CertReply;
    expect(new X509Certificate(reply.certificate).subject).toBe(`CN=edge-1\nO=${FLEET}`);
    const tls = { key: keyPem, cert: reply.certificate, ca: world.ca };
    const url = `${world.side.deviceUrl}/device/v1/assignment`;
    expect((await call(url, { tls })).status).toBe(200);
    // The answer could have been lost.
    expect((await device.http('assignment')).status).toBe(200);
    const { items } = await world.stores.events.list({ limit: 1, device: 'edge-1' });
    expect(items).toMatchObject([{ code: 'CERTIFICATE_RENEWED' }]);
  });

  it('leaves two certificates valid at most: the one asked with and the new one', async () => {
    const renew = async (): Promise<X509Certificate> => {
      const body = { csr: (await newDeviceKey()).csrPem };
      const answer = await device.http('cert', { method: 'POST', body });
      return new X509Certificate((JSON.parse(answer.text) as CertReply).certificate);
    };
    const [lost, kept] = [await renew(), await renew()];
    const isValid = (one: X509Certificate) =>
      world.stores.devices.isCertificateValid('edge-1', one.serialNumber.toLowerCase());
    expect([await isValid(lost), await isValid(kept)]).toEqual([false, true]);
  });
});

describe('renewal after the end', () => {
  it('takes a device back that was away for months', async () => {
    nowMs += 200 * DAY_MS;
    expect(codeOf(await device.http('assignment'))).toBe('CERTIFICATE_EXPIRED');
    const answer = await renewEnded();
    expect(answer.status).toBe(200);
    const { notAfter } = JSON.parse(answer.text) as CertReply;
    expect(notAfter).toBeGreaterThan(nowMs + 89 * DAY_MS);
  });

  it('a certificate that ended more than a year ago', async () => {
    nowMs += (90 + 366) * DAY_MS;
    expect(codeOf(await renewEnded())).toBe('RENEWAL_REFUSED');
  });

  it.each([
    ['an ended certificate of a revoked device', 'revoked', 'DEVICE_REVOKED'],
    ['an ended certificate of a decommissioned device', 'decommissioned', 'DEVICE_REVOKED'],
  ] as const)('%s', async (_case, status, code) => {
    await world.stores.identities.end('edge-1', { status, reason: '' }, change());
    nowMs += 100 * DAY_MS;
    expect(codeOf(await renewEnded())).toBe(code);
  });

  it('an ended certificate without its key', async () => {
    const other = await newDeviceKey();
    await refused({ key: other.keyPem });
    await refused({ csr: other.csrPem });
  });

  it('a self-signed certificate that has ended, which TLS calls expired just as ours', async () => {
    const [certificate, key] = await selfSigned();
    await refused({ certificate, key });
  });

  it('an ended certificate of an authority that calls itself as ours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ringfleet-rogue-'));
    const rogue = await openPki(folder, { fleet: FLEET, publicHost: '127.0.0.1', nowMs, log: SILENT });
    const { keyPem, csrPem } = await newDeviceKey();
    const { certificate } = await rogue.issueDevice(csrPem, 'edge-1', nowMs - 200 * DAY_MS);
    await refused({ certificate, key: keyPem });
    await rm(folder, { recursive: true });
  });

  it('an ended certificate of our authority that the registry does not know', async () => {
    const { keyPem, csrPem } = await newDeviceKey();
    const { certificate } = await world.pki.issueDevice(csrPem, 'edge-1', nowMs - 100 * DAY_MS);
    await refused({ certificate, key: keyPem });
  });

  it('the certificate of the server itself, shown at a renewal', async () => {
    const { cert, key } = world.pki.serverTls;
    await refused({ certificate: cert, key });
    await refused({ certificate: 'garbage' });
  });
});

/** Refused where the right one goes through, and nothing is written. */
async function refused(changes: Parameters<typeof renewEnded>[0]): Promise<void> {
  nowMs += 100 * DAY_MS;
  const before = [await world.stores.audit.head(), await world.stores.devices.get('edge-1')];
  expect(codeOf(await renewEnded(changes))).toBe('RENEWAL_REFUSED');
  expect([await world.stores.audit.head(), await world.stores.devices.get('edge-1')]).toEqual(before);
  nowMs -= 100 * DAY_MS;
}

async function selfSigned(): Promise<[string, string]> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: new X509Certificate(device.tls.cert).serialNumber,
    name: [{ CN: ['edge-1'] }, { O: [FLEET] }],
    notBefore: new Date(nowMs - 100 * DAY_MS),
    notAfter: new Date(nowMs - 10 * DAY_MS),
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return [certificate.toString('pem'), `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`];
}
