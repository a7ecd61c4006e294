import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SILENT } from '../ports/log.ts';
import { ensureAdminToken } from './admin-token.ts';
import { openOnlineSigner } from './online-signer.ts';
import { openPki } from './pki.ts';
import { newDeviceKey } from './pki-fixture.ts';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-pki-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (nowMs = NOW_MS, publicHost = 'fleet.example') =>
  openPki(folder, { fleet: 'lab', publicHost, nowMs, log: SILENT });
const chain = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((part) => part.trim() !== '')
    .map((part) => new X509Certificate(part));

it('issues device certificates that chain to the pinned root', async () => {
  const pki = await open();
  const { csrPem } = await newDeviceKey();
  const issued = await pki.issueDevice(csrPem, 'edge-1', NOW_MS);
  const [leaf, intermediate] = chain(issued.certificate) as [X509Certificate, X509Certificate];
  const root = new X509Certificate(pki.caPem);
  expect(leaf.subject).toBe('CN=edge-1\nO=lab');
  expect(leaf.serialNumber.toLowerCase()).toBe(issued.serial);
  expect(Date.parse(leaf.validTo)).toBe(issued.notAfterMs);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(intermediate.publicKey) && leaf.checkIssued(intermediate)).toBe(true);
  expect(intermediate.verify(root.publicKey) && intermediate.checkIssued(root)).toBe(true);
  expect(`sha256:${root.fingerprint256.replaceAll(':', '').toLowerCase()}`).toBe(pki.caPin);
});

it('keeps its authority over restarts and renews only the server certificate', async () => {
  const first = await open();
  const again = await open();
  expect(again.serverTls.cert).toBe(first.serverTls.cert);
  for (const later of [await open(NOW_MS + 330 * 86_400_000), await open(NOW_MS, 'other.example')]) {
    expect(later.serverTls.cert).not.toBe(first.serverTls.cert);
    expect(later.caPin).toBe(first.caPin);
  }
  const [server] = chain((await open(NOW_MS, 'other.example')).serverTls.cert);
  expect(server?.checkHost('other.example')).toBe('other.example');
  expect(server?.checkIP('127.0.0.1')).toBe('127.0.0.1');
});

it.each([
  ['garbage', async () => 'garbage'],
  ['another curve', async () => (await newDeviceKey('P-384')).csrPem],
])('refuses a request that is %s', async (_, csr) => {
  const pki = await open();
  await expect(pki.issueDevice(await csr(), 'edge-1', NOW_MS)).rejects.toMatchObject({ code: 'CSR_INVALID' });
});

it('keeps keys and the admin token to itself, and the same over restarts', async () => {
  await open();
  const token = await ensureAdminToken(folder);
  const signer = await openOnlineSigner(folder);
  expect(await ensureAdminToken(folder)).toBe(token);
  expect((await openOnlineSigner(folder)).keyid).toBe(signer.keyid);
  for (const name of ['ca.key.pem', 'server.key.pem', 'online.key.json', 'admin.token']) {
    expect((await stat(join(folder, 'keys', name))).mode & 0o777).toBe(0o600);
  }
});

it('says which file cannot be used', async () => {
  await open();
  await writeFile(join(folder, 'keys', 'ca.key.pem'), 'broken');
  await expect(open()).rejects.toMatchObject({ code: 'IDENTITY_FILES_INVALID' });
});
