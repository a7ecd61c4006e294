import { downFilter } from '@ringfleet/shared/protocol';
import { connect, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FLEET, startWorld, TestDevice, type World } from '../device-contact/device-side-fixture.ts';

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

let world: World;
let device: TestDevice;
let client: MqttClient;
let isClosed: boolean;
beforeEach(async () => {
  world = await startWorld();
  device = await TestDevice.enroll(world, 'edge-1');
  isClosed = false;
});
afterEach(async () => {
  await client?.endAsync(true);
  await world.stop();
});

function open(path = '/mqtt', more: object = {}): MqttClient {
  client = connect(`${world.side.deviceUrl.replace('https:', 'wss:')}${path}`, {
    ...device.tls,
    protocolVersion: 4,
    clientId: device.id,
    reconnectPeriod: 0,
    ...more,
  });
  client.on('error', () => undefined);
  client.on('close', () => {
    isClosed = true;
  });
  return client;
}

it('takes a device in by its certificate and lets it hear what is its own', async () => {
  open();
  const granted = await client.subscribeAsync(downFilter(FLEET, device.id), { qos: 1 });
  expect(granted.map((one) => one.qos)).toEqual([1]);
  await expect(client.subscribeAsync(downFilter(FLEET, 'edge-2'), { qos: 1 })).rejects.toThrow();
});

it.each([
  ['a topic of another device', `rf/1/${FLEET}/edge-2/up/event`, 10],
  ['a packet beyond the bound', `rf/1/${FLEET}/edge-1/up/event`, 300 * 1024],
])('cuts a device that publishes %s', async (_, topic, bytes) => {
  open();
  await until(() => expect(client.connected).toBe(true));
  client.publish(topic, Buffer.alloc(bytes), { qos: 1 }, () => undefined);
  await until(() => expect(isClosed).toBe(true));
});

it('cuts a revoked device at once and refuses it from then on', async () => {
  open();
  await until(() => expect(client.connected).toBe(true));
  const change = { by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: Date.now() } as const;
  await world.stores.identities.end('edge-1', { status: 'revoked', reason: 'stolen' }, change);
  await until(() => expect(isClosed).toBe(true));
  isClosed = false;
  const again = open();
  await until(() => expect(isClosed).toBe(true));
  expect(again.connected).toBe(false);
});

it.each([
  ['another client id', '/mqtt', { clientId: 'edge-2' }],
  ['no certificate', '/mqtt', { key: undefined, cert: undefined }],
  ['a CONNECT beyond the bound', '/mqtt', { username: 'x'.repeat(60_000) }],
  ['another path', '/device/v1/time', {}],
])('refuses %s', async (_, path, more) => {
  open(path, more);
  await until(() => expect(isClosed).toBe(true));
  expect(client.connected).toBe(false);
});
