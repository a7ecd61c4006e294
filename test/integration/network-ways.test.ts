import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeTestCa } from '../../agent/src/adapters/test-ca.fixture.ts';
import { SOURCE, writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { ConnectProxy } from './connect-proxy.ts';
import { LiveClient } from './live-client.ts';
import { type LiveAgent, LiveFleet } from './live-fleet.ts';

const MODEL = SOURCE.model;
/** No name server knows it: whoever reaches it went through the proxy. */
const HOST = 'fleet.invalid';
const until = (check: () => void | Promise<void>, timeout = 25_000) =>
  vi.waitFor(check, { timeout, interval: 100 });

let fleet: LiveFleet;
let proxy: ConnectProxy;
let device: LiveAgent;
let client: LiveClient;
let stateDir: string;

beforeAll(async () => {
  proxy = await ConnectProxy.start();
  fleet = await LiveFleet.start({ publicHost: HOST });
  const trust = join(fleet.dir, 'publisher');
  const online = join(fleet.serverDir, 'keys', 'online.pub.json');
  await fleet.must('trust', 'init', '--dir', trust, '--online-key', online, '--model', MODEL);
  await fleet.must('trust', 'publish', '--dir', trust);
  await fleet.must('ring', 'set', 'a', '--order', '1', '--selector', 'stage=a');
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    const source = await writeSource(join(fleet.dir, version), (s) => Object.assign(s, { version }));
    await fleet.must('release', 'build', source, '--out', join(fleet.dir, 'dist'));
    const dist = join(fleet.dir, 'dist', `${MODEL}-${version}`);
    await fleet.must('release', 'sign', dist, '--trust', trust);
    await fleet.must('release', 'publish', dist, '--trust', trust);
  }
  await fleet.assign('a', `${MODEL}@1.0.0`);
});
afterAll(async () => {
  await client?.stop();
  await fleet?.stop();
  await proxy?.stop();
});

/** The application on the device gets its answers, whatever the network does. */
async function startDevice(server: object): Promise<void> {
  await client?.stop();
  await device?.stop();
  device = await fleet.startAgent('d-1', stateDir, server);
  await until(async () => {
    expect((await fetch(`${device.http}/v2/models/${MODEL}/ready`)).status).toBe(200);
  });
  client = new LiveClient(device.http, MODEL);
}
async function untilRunning(version: string): Promise<void> {
  await until(async () => {
    const [model] = (await fleet.device('d-1')).models;
    expect(model).toMatchObject({ isCommitted: true, running: { version } });
  });
}
async function untilStatus(part: object): Promise<void> {
  await until(async () => expect(await device.status()).toMatchObject(part));
}
async function codes(): Promise<readonly string[]> {
  const { body } = await fleet.api<{ items: { code: string }[] }>('devices/d-1/events?limit=100');
  return body.items.map((event) => event.code);
}

describe('a site behind a proxy', () => {
  beforeEach(() => {
    proxy.asked.length = 0;
  });
  afterEach(async () => {
    proxy.blocked.clear();
    proxy.credentials = null;
    proxy.behave({ kind: 'through' });
    const { answers } = client;
    await until(() => expect(client.answers).toBeGreaterThan(answers));
    expect(client.failures).toEqual([]);
  });

  it('enrolls, connects, gets its release and reports through the proxy of the environment, and of agent.yaml', async () => {
    const { people, device: api, mqtt } = fleet.ports;
    proxy.credentials = 'site:p@ss';
    stateDir = await fleet.enroll('d-1', 'a', { HTTPS_PROXY: `http://site:p%40ss@${proxy.host}` });
    expect(new Set(proxy.asked)).toEqual(new Set([people]));
    await startDevice({ proxy: `http://site:p%40ss@${proxy.host}` });
    await untilRunning('1.0.0');
    await untilStatus({ isConnected: true, via: 'mqtts', network: null, outbox: { rows: 0 } });
    expect(new Set(proxy.asked)).toEqual(new Set([people, api, mqtt]));
  });

  it('that lets only HTTPS through gets MQTT over WebSocket, and releases as they are assigned', async () => {
    proxy.blocked.add(fleet.ports.mqtt);
    await startDevice({ proxy: `http://${proxy.host}` });
    await untilStatus({ isConnected: true, via: 'wss', outbox: { rows: 0 } });
    expect((await fleet.device('d-1')).isConnected).toBe(true);
    await fleet.assign('a', `${MODEL}@1.1.0`);
    await untilRunning('1.1.0');
    expect(proxy.asked).toContain(fleet.ports.device);
  });

  it('that lets no MQTT through at all works over HTTP only, and the server hears every report', async () => {
    proxy.blocked.add(1);
    await startDevice({ proxy: `http://${proxy.host}`, mqttUrl: `wss://${HOST}:1/mqtt` });
    await fleet.assign('a', `${MODEL}@1.2.0`);
    await untilRunning('1.2.0');
    await untilStatus({ isConnected: false, network: { code: 'PROXY_REFUSED' }, outbox: { rows: 0 } });
    await until(async () =>
      expect(await fleet.device('d-1')).toMatchObject({ isConnected: true, via: 'http' }),
    );
    await untilStatus({ via: 'https' });
    const { body } = await fleet.api<{ acceptedGeneration: number }>('devices/d-1');
    expect(body.acceptedGeneration).toBe((await device.status()).generation);
  });

  it.each([
    ['a page in place of TLS', { kind: 'page' }, 'FOREIGN_ANSWER', 'the answer was not TLS'],
    ['the way to a sign-in page', { kind: 'status', status: 302 }, 'FOREIGN_ANSWER', 'answered 302'],
    ['a wish for credentials', { kind: 'status', status: 407 }, 'PROXY_REFUSED', 'a user and a password'],
    ['TLS of its own', { kind: 'intercept' }, 'TLS_INTERCEPTED', 'issued by "CN=Site Inspection"'],
  ] as const)('that answers with %s changes nothing and is named', async (_, manner, code, words) => {
    if (code === 'FOREIGN_ANSWER' && manner.kind === 'page')
      await startDevice({ proxy: `http://${proxy.host}` });
    await untilStatus({ isConnected: true });
    const { generation } = await device.status();
    const certificate = await (await makeTestCa('Site Inspection')).issue(HOST);
    proxy.behave(manner.kind === 'intercept' ? { ...manner, certificate } : manner);
    await untilStatus({ isConnected: false, network: { code, message: expect.stringContaining(words) } });
    expect((await device.status()).generation).toBe(generation);
    proxy.behave({ kind: 'through' });
    await untilStatus({ isConnected: true, network: null, outbox: { rows: 0 } });
    expect(await codes()).toContain(code);
  });
});
