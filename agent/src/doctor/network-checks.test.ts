import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTestCa } from '../adapters/test-ca.fixture.ts';
import { checkDns, checkTls, serverTimeMs } from './network-checks.ts';

let server: Server;
let url: string;
let pin: string;
beforeEach(async () => {
  const ca = await makeTestCa('Lab Root');
  pin = ca.pin;
  const { certificate, key } = await ca.issue('server', '127.0.0.1');
  server = createServer({ cert: certificate, key }, (_, res) => res.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('knows the fleet server by its root, and its time by what it answers', async () => {
  expect(await checkTls('tls', url, { apiUrl: url, caPin: pin })).toMatchObject({ state: 'ok' });
  expect(Math.abs(((await serverTimeMs(url)) ?? 0) - Date.now())).toBeLessThan(5_000);
});

it('names whoever intercepts the connection', async () => {
  const check = await checkTls('tls', url, { apiUrl: url, caPin: `sha256:${'0'.repeat(64)}` });
  expect(check).toMatchObject({ state: 'failed', saw: expect.stringContaining('is intercepted') });
  expect(check.saw).toContain('issued by Lab Root');
});

it('says when nobody answers, and when a name does not exist', async () => {
  const silent = await checkTls('tls', 'https://127.0.0.1:1', { apiUrl: url, caPin: pin });
  expect(silent).toMatchObject({ state: 'failed', saw: expect.stringContaining('ECONNREFUSED') });
  expect(await checkDns('https://no-such-host.invalid')).toMatchObject({ state: 'failed' });
});
