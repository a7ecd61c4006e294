import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities } from '@ringfleet/shared/protocol';
import { buildRoot, generateKeyPair, signDocument, signerOf } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { enroll } from './enroll.ts';
import { readIdentity } from './identity.ts';
import { makeTestCa, type TestCa } from './test-ca.fixture.ts';

let dir: string;
let ca: TestCa;
let server: Server;
let url: string;
const asked: { id?: string; csr: string; secret: string }[] = [];
let refusal: { status: number; body: string } | null = null;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-enroll-'));
  ca = await makeTestCa('lab');
  asked.length = 0;
  refusal = null;
  const { certificate, key } = await ca.issue('server', '127.0.0.1');
  server = createServer({ cert: certificate, key }, (req, res) => {
    if (req.method === 'GET') return void res.writeHead(404).end();
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString());
      asked.push(request);
      if (refusal) return void res.writeHead(refusal.status).end(refusal.body);
      const reply = {
        fleet: 'lab',
        device: request.id,
        certificate: 'CERT',
        ca: ca.pem,
        apiUrl: url,
        mqttUrl: 'mqtts://x',
        notAfter: 5,
      };
      return void res.writeHead(201).end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

function token(changes: object = {}): string {
  const signer = signerOf(generateKeyPair(randomBytes(32)).secretKey);
  const keys = { keys: [signer.publicKey], threshold: 1 };
  const content = {
    version: 1,
    expires: Date.now() + 1e8,
    isDevelopment: true,
    root: keys,
    targets: keys,
    snapshot: keys,
    timestamp: keys,
    director: { ...keys, epoch: 1 },
  };
  const root = JSON.parse(signDocument(buildRoot(content), [signer]));
  const value = { v: 1, url, caPin: ca.pin, root, secret: 's'.repeat(40), labels: {}, ...changes };
  return `rfe1.${Buffer.from(JSON.stringify(value)).toString('base64url')}\n`;
}
const stateDir = (): string => join(dir, 'state');
const capabilities = { agentVersion: '0', arch: 'x64', os: 'linux' } as Capabilities;

it('makes a key, has it signed and keeps the identity for the owner only', async () => {
  const done = await enroll({ stateDir: stateDir(), token: token(), id: 'd-1', capabilities });
  expect(done).toEqual({ fleet: 'lab', device: 'd-1' });
  expect(asked[0]?.csr).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----/);
  const identity = await readIdentity(stateDir());
  expect(identity).toMatchObject({ device: 'd-1', certificatePem: 'CERT', apiUrl: url });
  expect(identity.keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  for (const name of ['identity/key.pem', 'identity/identity.json', 'trust/root.json']) {
    expect(statSync(join(stateDir(), name)).mode & 0o077).toBe(0);
  }
  expect(JSON.parse(readFileSync(join(stateDir(), 'trust/root.json'), 'utf8'))).toHaveProperty('signatures');
});

it('chooses an id that no copied disk shares when none is given', async () => {
  await enroll({ stateDir: stateDir(), token: token(), capabilities });
  expect(asked[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

it('an enrollment token with the pin of another authority', async () => {
  const other = await makeTestCa('other');
  const work = enroll({ stateDir: stateDir(), token: token({ caPin: other.pin }), capabilities });
  await expect(work).rejects.toMatchObject({ code: 'CA_PIN_MISMATCH' });
  expect(asked).toEqual([]);
});

it('keeps nothing when the server refuses, and says why', async () => {
  refusal = { status: 403, body: JSON.stringify({ code: 'TOKEN_USED_UP', detail: 'no admissions left' }) };
  const work = enroll({ stateDir: stateDir(), token: token(), capabilities });
  await expect(work).rejects.toMatchObject({
    code: 'ENROLLMENT_REFUSED',
    message: 'status 403: TOKEN_USED_UP: no admissions left',
  });
  await expect(readIdentity(stateDir())).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
});

it('refuses a second identity in the same folder', async () => {
  await enroll({ stateDir: stateDir(), token: token(), id: 'd-1', capabilities });
  const again = enroll({ stateDir: stateDir(), token: token(), id: 'd-2', capabilities });
  await expect(again).rejects.toMatchObject({ code: 'ALREADY_ENROLLED' });
});

it('an enrollment token that was cut off', async () => {
  const work = enroll({ stateDir: stateDir(), token: token().slice(0, 100), capabilities });
  await expect(work).rejects.toMatchObject({ code: 'ENROLLMENT_TOKEN_INVALID' });
});

it('an enrollment token with a root that was altered', async () => {
  const good = JSON.parse(Buffer.from(token().slice(5), 'base64url').toString());
  good.root.signed.expires = '2099-01-01T00:00:00Z';
  const work = enroll({ stateDir: stateDir(), token: token({ root: good.root }), capabilities });
  await expect(work).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  expect(asked).toEqual([]);
  await expect(readIdentity(stateDir())).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
});

it('keeps the versions below which it takes nothing', async () => {
  const minimum = { timestamp: 7, 'm.tiny': 3 };
  await enroll({ stateDir: stateDir(), token: token({ minimum }), id: 'd-1', capabilities });
  expect(JSON.parse(readFileSync(join(stateDir(), 'trust/minimum.json'), 'utf8'))).toEqual(minimum);
});
