import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryUsage } from 'node:process';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { downFilter } from '@ringfleet/shared/protocol';
import { connect, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DeviceAssignment } from '../device-contact/assignments.ts';
import { DeviceConnections } from '../device-contact/device-connections.ts';
import { identifier } from '../device-contact/identify.ts';
import { intake } from '../device-contact/intake.ts';
import { SILENT } from '../ports/log.ts';
import type { Pki } from '../ports/pki.ts';
import { CHANGE, helloOf } from '../ports/stores.contract.ts';
import { type Bus, startBus } from './bus-aedes.ts';
import { openPki } from './pki.ts';
import { newDeviceKey } from './pki-fixture.ts';
import { openStores } from './store-sqlite/index.ts';

const FLEET = 'lab';
const MIB = 1024 * 1024;
const DRAIN_MS = 500;
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 10 });
const rssMib = (): number => memoryUsage.rss() / MIB;

let folder: string;
let stores: ReturnType<typeof openStores>;
let pki: Pki;
let bus: Bus;
const clients: MqttClient[] = [];
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-bus-'));
  stores = openStores(folder, { log: SILENT });
  const clock = Date.now;
  pki = await openPki(folder, { fleet: FLEET, publicHost: '127.0.0.1', nowMs: clock(), log: SILENT });
  const connections = new DeviceConnections(identifier(FLEET, stores.devices, stores.identities, clock));
  bus = await startBus({
    fleet: FLEET,
    host: '127.0.0.1',
    port: 0,
    tls: pki.serverTls,
    identify: (socket) => connections.admit(socket),
    refusals: { note: () => undefined, noteError: () => undefined, noteHandshake: () => undefined } as never,
    intake: intake({ stores, clock, log: SILENT }),
    stores,
    assignmentFor: async () => null,
    reconnectWindowMs: 0,
    drainMs: DRAIN_MS,
    log: SILENT,
    clock,
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  for (const socket of sockets.splice(0)) socket.destroy();
  await bus.stop();
  stores.close();
  await rm(folder, { recursive: true });
});

async function certified(id: string): Promise<{ key: string; cert: string; ca: string }> {
  const { keyPem, csrPem } = await newDeviceKey();
  const { certificate, serial, notAfterMs } = await pki.issueDevice(csrPem, id, Date.now());
  const token = { name: id, secretHash: id, labels: {}, uses: 1, expiresAtMs: Date.now() + 60_000 };
  await stores.tokens.createEnrollment(token, CHANGE);
  const enrollment = { id, secretHash: id, certSerial: serial, notAfterMs, capabilities: null };
  await stores.devices.enroll(enrollment, { ...CHANGE, atMs: Date.now() });
  return { key: keyPem, cert: certificate, ca: pki.caPem };
}

/** Connected, subscribed, and has said hello. */
async function ready(id: string): Promise<{ client: MqttClient; heard: () => number }> {
  const client = connect(`mqtts://127.0.0.1:${bus.port}`, {
    ...(await certified(id)),
    protocolVersion: 4,
    clientId: id,
    clean: true,
    reconnectPeriod: 0,
  });
  clients.push(client);
  let heard = 0;
  client.on('message', () => {
    heard += 1;
  });
  client.on('error', () => undefined);
  await client.subscribeAsync(downFilter(FLEET, id), { qos: 1 });
  const hello = Buffer.from(JSON.stringify(helloOf()));
  await client.publishAsync(`rf/1/${FLEET}/${id}/up/hello`, hello, { qos: 1 });
  await until(() => expect(bus.connected()).toContain(id));
  return { client, heard: () => heard };
}

async function openSocket(tls: object): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port: bus.port, ...tls });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** However it ends: a reset is a way as well. */
const closed = (socket: TLSSocket): Promise<void> =>
  socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));

const assignment = (n: number, bytes: number): DeviceAssignment =>
  ({
    etag: `e${n}`,
    generation: n,
    document: JSON.stringify({ filler: 'x'.repeat(bytes) }),
  }) as DeviceAssignment;

it('a CONNECT of 256 MB', async () => {
  const other = await ready('edge-2');
  const tls = await certified('edge-1');
  const before = rssMib();
  let sent = 0;
  for (let n = 0; n < 8; n += 1) {
    const socket = await openSocket(tls);
    const isClosed = closed(socket);
    socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    const pour = (): void => {
      if (socket.destroyed || sent > 256 * MIB) return;
      sent += MIB;
      socket.write(Buffer.alloc(MIB), pour);
    };
    pour();
    await isClosed;
  }
  expect(rssMib() - before).toBeLessThan(64);
  expect(other.client.connected).toBe(true);
});

it('a CONNECT that stays below the limit and never ends', async () => {
  const socket = await openSocket(await certified('edge-1'));
  const isClosed = closed(socket);
  // 16 000 bytes are announced, and one comes.
  socket.write(Buffer.from([0x10, 0x80, 0x7d, 0x00]));
  await isClosed;
});

it('a seventeenth MQTT connection of one device', async () => {
  const tls = await certified('edge-1');
  const open = [];
  for (let n = 0; n < 16; n += 1) open.push(await openSocket(tls));
  const late = await openSocket(tls);
  await closed(late);
  expect(open.filter((socket) => socket.destroyed)).toEqual([]);
  expect((await ready('edge-2')).client.connected).toBe(true);
});

it('a subscriber that takes nothing more of what is sent to it', async () => {
  const [frozen, other] = [await ready('edge-1'), await ready('edge-2')];
  frozen.client.stream.pause();
  const before = rssMib();
  const isGone = () => !bus.connected().includes('edge-1');
  let sent = 0;
  const pushing: Promise<void>[] = [];
  // As much as socket buffers hold, and more.
  while (!isGone() && sent < 64) {
    sent += 1;
    pushing.push(bus.offer('edge-1', assignment(sent, MIB)));
    await bus.offer('edge-2', assignment(sent, 1_000));
  }
  await until(() => expect(isGone()).toBe(true));
  await Promise.all(pushing);
  await until(() => expect(other.heard()).toBe(sent));
  expect(other.client.connected).toBe(true);
  expect(rssMib() - before).toBeLessThan(256);
});
