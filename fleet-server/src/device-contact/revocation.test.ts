import { once } from 'node:events';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { peekAssignment } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { helloOf } from '../ports/stores.contract.ts';
import type { Change } from '../ports/stores.ts';
import { assign, startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const change = (): Change => ({ by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: Date.now() });

const DAY_MS = 86_400_000;

let nowMs: number;
let world: World;
let device: TestDevice;
const links: TestLink[] = [];
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  nowMs = Date.now();
  world = await startWorld(undefined, { clock: () => nowMs });
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
async function openTls(session?: Buffer, version: SecureVersion = 'TLSv1.3'): Promise<TLSSocket> {
  const { hostname, port } = new URL(world.side.deviceUrl);
  const socket = connectTls({
    host: hostname,
    port: Number(port),
    ...device.tls,
    minVersion: version,
    maxVersion: version,
    ...(session ? { session } : {}),
  });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** TLS 1.3 sends it after the first answer, 1.2 within the handshake. */
async function sessionOf(socket: TLSSocket): Promise<Buffer> {
  const ticket = once(socket, 'session');
  expect(await ask(socket)).toMatch(/^HTTP\/1.1 200/);
  const known = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined;
  return known ?? ((await ticket) as [Buffer])[0];
}

function ask(socket: TLSSocket): Promise<string> {
  if (socket.destroyed) return Promise.resolve('');
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

  it('a revoked certificate at a new contact', async () => {
    await revoke();
    const answer = await device.http('assignment');
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'CERTIFICATE_NOT_VALID' });
    const link = open();
    await until(() => expect(link.isClosed).toBe(true));
    expect(link.client.connected).toBe(false);
  });

  it.each([
    ['a revoked certificate in a resumed session of TLS 1.3', 'TLSv1.3', 'CERTIFICATE_NOT_VALID'],
    ['a revoked certificate in a resumed session of TLS 1.2', 'TLSv1.2', 'CERTIFICATE_NOT_VALID'],
    ['an expired certificate in a resumed session of TLS 1.3', 'TLSv1.3', 'CERTIFICATE_EXPIRED'],
    ['an expired certificate in a resumed session of TLS 1.2', 'TLSv1.2', 'CERTIFICATE_EXPIRED'],
  ] as const)('%s', async (_case, version, code) => {
    const first = await openTls(undefined, version);
    const session = await sessionOf(first);
    const second = await openTls(session, version);
    expect([second.isSessionReused(), second.getProtocol()]).toEqual([true, version]);
    expect(await ask(second)).toMatch(/^HTTP\/1.1 200/);
    if (code === 'CERTIFICATE_EXPIRED') nowMs += 91 * DAY_MS;
    else await revoke();
    const third = await openTls(session, version);
    expect(third.isSessionReused()).toBe(true);
    const answer = await ask(third);
    expect(answer).not.toMatch(/HTTP\/1.1 200/);
    expect(answer).toContain(code);
    // The live connection is worth no more.
    expect(await ask(second)).not.toMatch(/^HTTP\/1.1 200/);
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

it('a seventeenth connection of one device', async () => {
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
