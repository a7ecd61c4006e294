import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { peekAssignment } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { helloOf } from '../ports/stores.contract.ts';
import type { Change } from '../ports/stores.ts';
import { assign, startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const change = (): Change => ({ by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: Date.now() });

let world: World;
let device: TestDevice;
const links: TestLink[] = [];
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  world = await startWorld();
  device = await TestDevice.enroll(world, 'edge-1');
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.stop();
});

const revoke = (id = 'edge-1') =>
  world.stores.identities.end(id, { status: 'revoked', reason: 'stolen' }, change());

function open(who = device): TestLink {
  const link = who.mqtt();
  links.push(link);
  return link;
}

/** A raw TLS connection to the device listener that stays open. */
async function openTls(session?: Buffer): Promise<TLSSocket> {
  const { hostname, port } = new URL(world.side.deviceUrl);
  const socket = connectTls({
    host: hostname,
    port: Number(port),
    ...device.tls,
    ...(session ? { session } : {}),
  });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

function ask(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      resolve(text);
    });
    socket.once('close', () => resolve(text));
    socket.write('GET /device/v1/assignment HTTP/1.1\r\nhost: x\r\n\r\n');
  });
}

describe('a revoked device', () => {
  it('loses its live MQTT session and HTTP connections at once, and nobody else does', async () => {
    const other = await TestDevice.enroll(world, 'edge-2');
    const [link, kept] = [open(), open(other)];
    for (const one of [link, kept]) {
      await one.subscribe();
      await one.publish('hello', helloOf());
    }
    const socket = await openTls();
    expect(await ask(socket)).toMatch(/^HTTP\/1.1 200/);
    let isCut = false;
    socket.once('close', () => {
      isCut = true;
    });
    await revoke();
    await until(() => expect([link.isClosed, isCut]).toEqual([true, true]));
    expect(kept.isClosed).toBe(false);
    await until(async () =>
      expect(await world.stores.devices.get('edge-1')).toMatchObject({
        status: 'revoked',
        isConnected: false,
      }),
    );
  });

  it('is refused at every new contact', async () => {
    await revoke();
    const answer = await device.http('assignment');
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'CERTIFICATE_NOT_VALID' });
    const link = open();
    await until(() => expect(link.isClosed).toBe(true));
    expect(link.client.connected).toBe(false);
  });

  it('is refused in a resumed TLS session as well', async () => {
    const first = await openTls();
    const ticket = once(first, 'session');
    expect(await ask(first)).toMatch(/^HTTP\/1.1 200/);
    const [session] = (await ticket) as [Buffer];
    const second = await openTls(session);
    expect(second.isSessionReused()).toBe(true);
    expect(await ask(second)).toMatch(/^HTTP\/1.1 200/);
    await revoke();
    const third = await openTls(session);
    expect(third.isSessionReused()).toBe(true);
    const answer = await ask(third);
    expect(answer).not.toMatch(/HTTP\/1.1 200/);
    expect(answer).toContain('CERTIFICATE_NOT_VALID');
  });

  it('is no member of any ring any more and leaves an event and an audit row', async () => {
    await assign(world);
    expect(peekAssignment((await device.http('assignment')).text).generation).toBe(1);
    await revoke();
    expect((await world.stores.devices.all()).map(({ id }) => id)).toEqual([]);
    const [event] = (await world.stores.events.list({ limit: 1, device: 'edge-1' })).items;
    expect(event).toMatchObject({ code: 'DEVICE_REVOKED', sentence: 'edge-1 was revoked: stolen.' });
    const [row] = (await world.stores.audit.list({ limit: 1 })).items;
    expect(row).toMatchObject({ by: 'person:ada', action: 'device.revoke', target: 'edge-1' });
  });
});

it('takes no more connections of one device than it needs', async () => {
  const open = [];
  for (let n = 0; n < 16; n += 1) {
    const socket = await openTls();
    expect(await ask(socket)).toMatch(/^HTTP\/1.1 200/);
    open.push(socket);
  }
  const answer = await ask(await openTls());
  expect(answer).toContain('TOO_MANY_CONNECTIONS');
  open[0]?.destroy();
  await until(async () => expect(await ask(await openTls())).toMatch(/^HTTP\/1.1 200/));
});
