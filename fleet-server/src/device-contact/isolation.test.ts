import { createHash, X509Certificate } from 'node:crypto';
import type { EnrollReply } from '@ringfleet/shared/protocol';
import { readStoredAssignment } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newDeviceKey } from '../adapters/pki-fixture.ts';
import { eventBody, helloOf, report } from '../ports/stores.contract.ts';
import {
  call,
  FLEET,
  SECRET,
  startWorld,
  TestDevice,
  type TestLink,
  type World,
} from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });

let world: World;
let victim: TestDevice;
let thief: TestDevice;
const links: TestLink[] = [];
beforeEach(async () => {
  world = await startWorld();
  victim = await TestDevice.enroll(world, 'edge-1');
  thief = await TestDevice.enroll(world, 'edge-2');
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  await world.stop();
});

function open(device: TestDevice, ...args: Parameters<TestDevice['mqtt']>): TestLink {
  const link = device.mqtt(...args);
  links.push(link);
  return link;
}

describe('a device among others, over MQTT', () => {
  it.each([
    ['another one’s reports', `rf/1/${FLEET}/edge-1/up/event`],
    ['another one’s orders', `rf/1/${FLEET}/edge-1/dn/desired`],
    ['its own orders', `rf/1/${FLEET}/edge-2/dn/desired`],
    ['another fleet', 'rf/1/other/edge-2/up/event'],
    ['a system topic', '$SYS/broker/x'],
    ['a topic below its own', `rf/1/${FLEET}/edge-2/up/event/deeper`],
    ['a very deep topic', `${'a/'.repeat(5_000)}a`],
  ])('is cut off when it publishes to %s', async (_, topic) => {
    const heard = open(victim);
    await heard.subscribe();
    await heard.publish('hello', helloOf());
    await until(() => expect(heard.desired()).toHaveLength(1));
    const link = open(thief);
    const body = Buffer.from(JSON.stringify(report('event', 1, eventBody(), { at: Date.now() })));
    link.client.publishAsync(topic, body, { qos: 1 }).catch(() => undefined);
    await until(() => expect(link.isClosed).toBe(true));
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toEqual([]);
    expect(heard.heard).toHaveLength(1);
  });

  it.each([
    `rf/1/${FLEET}/edge-1/dn/#`,
    `rf/1/${FLEET}/+/dn/#`,
    `rf/1/${FLEET}/edge-1/up/#`,
    '$SYS/#',
    '#',
    `$share/group/rf/1/${FLEET}/edge-1/dn/#`,
  ])('hears nothing of %s', async (filter) => {
    const link = open(thief);
    await expect(link.subscribe(filter)).rejects.toThrow();
    const other = open(victim);
    await other.subscribe();
    await other.publish('hello', helloOf());
    await until(() => expect(other.desired()).toHaveLength(1));
    expect(link.heard).toEqual([]);
  });

  it('may be called __proto__, and is that and nothing else', async () => {
    const odd = await TestDevice.enroll(world, '__proto__');
    const link = open(odd);
    await link.subscribe();
    await link.publish('hello', helloOf());
    await link.publish('event', report('event', 1, eventBody(), { at: Date.now() }));
    await until(() => expect(link.acks()).toHaveLength(1));
    expect(await world.stores.devices.get('__proto__')).toMatchObject({ id: '__proto__', isConnected: true });
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toEqual([]);
    const stranger = open(thief, { clientId: '__proto__' });
    await until(() => expect(stranger.isClosed).toBe(true));
    expect(stranger.client.connected).toBe(false);
  });
});

describe('a device among others, over HTTP', () => {
  it('is always answered as itself', async () => {
    const answer = await thief.http('assignment?device=edge-1', { headers: { 'x-device': 'edge-1' } });
    expect(readStoredAssignment(answer.text)).toMatchObject({ device: 'edge-2' });
    const body = { v: 1, device: 'edge-1', reports: [report('event', 1, eventBody(), { at: Date.now() })] };
    expect((await thief.http('reports', { method: 'POST', body })).status).toBe(200);
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toEqual([]);
    expect((await world.stores.reports.list('edge-2', { limit: 9 })).items).toHaveLength(1);
  });

  it('reaches no file by a path that leaves its place', async () => {
    for (const path of [
      'metadata/..%2f..%2fcontrol.db',
      'artifacts/sha256/..%2fcontrol.db',
      'metadata/m.%00',
    ]) {
      expect((await thief.http(path)).status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('an enrollment token', () => {
  const ask = async (body: object) =>
    call(`${world.peopleUrl}/device/v1/enroll`, {
      method: 'POST',
      body: { csr: (await newDeviceKey()).csrPem, ...body },
      tls: { ca: world.ca },
    });
  const add = (secret: string, changes: object): Promise<void> => {
    const secretHash = createHash('sha256').update(secret).digest('hex');
    const token = {
      name: 'x',
      secretHash,
      labels: {},
      uses: 1,
      expiresAtMs: Date.now() + 60_000,
      ...changes,
    };
    const by = { kind: 'system', name: 'test', role: 'admin' } as const;
    return world.stores.tokens.createEnrollment(token, { by, atMs: Date.now() });
  };
  const [once, late] = ['o'.repeat(40), 'l'.repeat(40)];

  it('admits no more than it says, not after its date, and not when it was changed', async () => {
    await add(once, {});
    await add(late, { expiresAtMs: Date.now() - 1 });
    expect((await ask({ secret: once, id: 'a' })).status).toBe(200);
    const refusals = [
      [{ secret: once, id: 'b' }, 'TOKEN_USED_UP'],
      [{ secret: once, id: 'a' }, 'TOKEN_USED_UP'],
      [{ secret: late, id: 'b' }, 'TOKEN_EXPIRED'],
      [{ secret: `${once.slice(1)}x`, id: 'b' }, 'TOKEN_UNKNOWN'],
      [{ secret: SECRET, id: '../b' }, 'MESSAGE_INVALID'],
    ] as const;
    for (const [body, code] of refusals) expect(JSON.parse((await ask(body)).text)).toMatchObject({ code });
    expect(await world.stores.devices.get('b')).toBeNull();
  });

  it('gives the id that was asked for, whatever name the request carries', async () => {
    const { certificate } = JSON.parse((await ask({ secret: SECRET, id: 'edge-5' })).text) as EnrollReply;
    expect(new X509Certificate(certificate).subject).toBe(`CN=edge-5\nO=${FLEET}`);
  });
});
