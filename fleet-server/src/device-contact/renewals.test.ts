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
  it('gives a new key a certificate for the same device, whatever name the request carries', async () => {
    const { keyPem, csrPem } = await newDeviceKey();
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

  it('ends after a year', async () => {
    nowMs += (90 + 366) * DAY_MS;
    expect(codeOf(await renewEnded())).toBe('RENEWAL_REFUSED');
  });

  it.each([
    ['revoked', 'DEVICE_REVOKED'],
    ['decommissioned', 'DEVICE_REVOKED'],
  ] as const)('refuses a device that was %s', async (status, code) => {
    await world.stores.identities.end('edge-1', { status, reason: '' }, change());
    nowMs += 100 * DAY_MS;
    expect(codeOf(await renewEnded())).toBe(code);
  });

  it('refuses another key than the certificate’s, and another request than the signed one', async () => {
    const other = await newDeviceKey();
    expect(codeOf(await renewEnded({ key: other.keyPem }))).toBe('RENEWAL_REFUSED');
    expect(codeOf(await renewEnded({ csr: other.csrPem }))).toBe('RENEWAL_REFUSED');
  });

  it('refuses a self-signed certificate that has expired, which TLS calls expired just as ours', async () => {
    const [certificate, key] = await selfSigned();
    expect(codeOf(await renewEnded({ certificate, key }))).toBe('RENEWAL_REFUSED');
  });

  it('refuses a certificate of an authority that only calls itself as ours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ringfleet-rogue-'));
    const rogue = await openPki(folder, { fleet: FLEET, publicHost: '127.0.0.1', nowMs, log: SILENT });
    const { keyPem, csrPem } = await newDeviceKey();
    const { certificate } = await rogue.issueDevice(csrPem, 'edge-1', nowMs - 200 * DAY_MS);
    expect(codeOf(await renewEnded({ certificate, key: keyPem }))).toBe('RENEWAL_REFUSED');
    await rm(folder, { recursive: true });
  });

  it('refuses a certificate of ours that the registry does not know', async () => {
    const { keyPem, csrPem } = await newDeviceKey();
    const { certificate } = await world.pki.issueDevice(csrPem, 'edge-1', nowMs - 100 * DAY_MS);
    expect(codeOf(await renewEnded({ certificate, key: keyPem }))).toBe('RENEWAL_REFUSED');
  });

  it('refuses the server’s own certificate, and what is none', async () => {
    const { cert, key } = world.pki.serverTls;
    expect(codeOf(await renewEnded({ certificate: cert, key }))).toBe('RENEWAL_REFUSED');
    expect(codeOf(await renewEnded({ certificate: 'garbage' }))).toBe('RENEWAL_REFUSED');
  });
});

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
