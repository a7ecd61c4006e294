import { createServer as createHttp } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Server as TcpServer } from 'node:net';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { proxyChoice } from '../adapters/proxy-choice.ts';
import { makeTestCa, type TestCa } from '../adapters/test-ca.fixture.ts';
import {
  checkBroker,
  checkDns,
  checkProxy,
  checkTls,
  type Expected,
  serverTimeMs,
} from './network-checks.ts';

let server: Server;
let url: string;
let ca: TestCa;
let expected: Expected;
const others: TcpServer[] = [];
beforeEach(async () => {
  ca = await makeTestCa('Lab Root');
  const { certificate, key } = await ca.issue('server', '127.0.0.1');
  server = createServer({ cert: certificate, key }, (_, res) => res.end());
  url = `https://127.0.0.1:${await listen(server)}`;
  expected = { apiUrl: url, caPin: ca.pin };
});
afterEach(async () => {
  server.closeAllConnections();
  for (const one of [server, ...others.splice(0)]) await new Promise((resolve) => one.close(resolve));
});

async function listen(one: TcpServer): Promise<number> {
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  if (one !== server) others.push(one);
  return (one.address() as AddressInfo).port;
}
const through = (port: number): Expected => ({
  ...expected,
  proxyFor: proxyChoice(`http://u:secret@127.0.0.1:${port}`, {}),
});

it('knows the fleet server by its root, and its time by what it answers', async () => {
  expect(await checkTls('tls', url, expected)).toMatchObject({ state: 'ok' });
  expect(Math.abs(((await serverTimeMs(expected)) ?? 0) - Date.now())).toBeLessThan(5_000);
});

it('names whoever intercepts the connection', async () => {
  const check = await checkTls('tls', url, { ...expected, caPin: `sha256:${'0'.repeat(64)}` });
  expect(check).toMatchObject({ state: 'failed', saw: expect.stringContaining('TLS_INTERCEPTED') });
  expect(check.saw).toContain('issued by "CN=Lab Root"');
});

it('finds a certificate that is out of date, or of another name, as the agent would', async () => {
  const later = { ...expected, nowMs: Date.now() + 86_400_000 };
  expect(await checkTls('tls', url, later)).toMatchObject({ state: 'failed' });
  expect(await checkTls('tls', url, { ...expected, host: 'fleet.example' })).toMatchObject({
    state: 'failed',
  });
});

it('says when nobody answers, and when a name does not exist', async () => {
  const silent = await checkTls('tls', 'https://127.0.0.1:1', expected);
  expect(silent).toMatchObject({ state: 'failed', saw: expect.stringContaining('SERVER_UNREACHABLE') });
  expect(await checkDns({ ...expected, apiUrl: 'https://no-such-host.invalid' })).toMatchObject({
    state: 'failed',
  });
});

it('knows a page in place of TLS for what it is', async () => {
  const portal = createTcp((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('HTTP/1.1 302 Found\r\nlocation: http://portal.test/\r\n\r\n');
  });
  const check = await checkTls('tls', `https://127.0.0.1:${await listen(portal)}`, expected);
  expect(check).toMatchObject({ state: 'failed', saw: expect.stringContaining('FOREIGN_ANSWER') });
});

it('says that WebSocket is the way where only MQTT is blocked', async () => {
  const check = await checkBroker({ ...expected, mqttUrl: 'mqtts://127.0.0.1:1' });
  expect(check).toMatchObject({ state: 'warning', saw: expect.stringContaining('over WebSocket') });
  expect(await checkBroker({ ...expected, mqttUrl: url.replace('https', 'mqtts') })).toMatchObject({
    state: 'ok',
  });
});

describe('behind a proxy', () => {
  it.each([
    [407, 'PROXY_REFUSED', 'a user and a password'],
    [302, 'FOREIGN_ANSWER', 'answered 302'],
  ])(
    'that answers %i it goes no other way, and says so without the password',
    async (status, code, words) => {
      const proxy = createHttp();
      proxy.on('connect', (_, socket) => socket.end(`HTTP/1.1 ${status} As Told\r\n\r\n`));
      const via = through(await listen(proxy));
      const [check] = await checkProxy(via);
      expect(check).toMatchObject({ state: 'failed', saw: expect.stringContaining(code) });
      expect(check?.saw).toContain(words);
      expect(check?.saw).not.toContain('secret');
      expect(await checkTls('tls', url, via)).toMatchObject({
        state: 'failed',
        saw: expect.stringContaining(code),
      });
    },
  );

  it('that is not there it says so, and leaves names to it otherwise', async () => {
    expect(await checkProxy(through(1))).toMatchObject([
      { state: 'failed', saw: expect.stringContaining('PROXY_UNREACHABLE') },
    ]);
    const dns = await checkDns({ ...through(1), apiUrl: 'https://no-such-host.invalid' });
    expect(dns).toMatchObject({
      state: 'ok',
      saw: expect.stringContaining('finds no-such-host.invalid itself'),
    });
  });
});
