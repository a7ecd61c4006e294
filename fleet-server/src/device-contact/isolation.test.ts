import { readStoredAssignment } from '@ringfleet/shared/trust';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventBody, helloOf, report } from '../ports/stores.contract.ts';
import { FLEET, SECRET, startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });

let world: World;
let victim: TestDevice;
let thief: TestDevice;
const links: TestLink[] = [];
let pairs = 0;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  pairs += 1;
  victim = await TestDevice.enroll(world, `victim-${pairs}`, SECRET);
  thief = await TestDevice.enroll(world, `thief-${pairs}`, SECRET);
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
});
afterAll(() => world.stop());

/** A topic as the tables write it: VICTIM and THIEF are the two devices of the test. */
const actual = (topic: string): string => topic.replace('VICTIM', victim.id).replace('THIEF', thief.id);
const reportsOf = async (device: TestDevice) =>
  (await world.stores.reports.list(device.id, { limit: 9 })).items;

function open(device: TestDevice, ...args: Parameters<TestDevice['mqtt']>): TestLink {
  const link = device.mqtt(...args);
  links.push(link);
  return link;
}

/** What the list of refused contacts shows. */
async function codesRefused(): Promise<string[]> {
  let codes: string[] = [];
  await until(async () => {
    codes = (await world.stores.refusals.list({ limit: 99 })).items.map(({ code }) => code);
    expect(codes).not.toEqual([]);
  });
  return codes;
}

describe('a device among others, over MQTT', () => {
  it.each([
    ['a report published under another device', `rf/1/${FLEET}/VICTIM/up/event`],
    ['an order published to another device', `rf/1/${FLEET}/VICTIM/dn/desired`],
    ['an order published to oneself', `rf/1/${FLEET}/THIEF/dn/desired`],
    ['a report published in another fleet', 'rf/1/other/THIEF/up/event'],
    ['a message on a topic of the broker itself', '$SYS/broker/x'],
    ['a message below an own topic', `rf/1/${FLEET}/THIEF/up/event/deeper`],
  ])('%s', async (_, topic) => {
    const heard = open(victim);
    await heard.subscribe();
    await heard.publish('hello', helloOf());
    await until(() => expect(heard.desired()).toHaveLength(1));
    const link = open(thief);
    const body = Buffer.from(JSON.stringify(report('event', 1, eventBody(), { at: Date.now() })));
    link.client.publishAsync(actual(topic), body, { qos: 1 }).catch(() => undefined);
    await until(() => expect(link.isClosed).toBe(true));
    expect(await codesRefused()).toContain('TOPIC_FORBIDDEN');
    expect(await reportsOf(victim)).toEqual([]);
    expect(await reportsOf(thief)).toEqual([]);
    expect(heard.heard).toHaveLength(1);
    expect(heard.isClosed).toBe(false);
  });

  it('a message on a topic of 5 001 levels', async () => {
    const other = open(victim);
    await other.subscribe();
    const link = open(thief);
    await link.subscribe();
    link.client.publishAsync(`${'a/'.repeat(5_000)}a`, Buffer.from('{}'), { qos: 1 }).catch(() => undefined);
    await until(() => expect(link.isClosed).toBe(true));
    expect(other.isClosed).toBe(false);
  });

  it.each([
    ['a will for another device', `rf/1/${FLEET}/VICTIM/up/status`],
    ['a will as an order to another device', `rf/1/${FLEET}/VICTIM/dn/desired`],
    ['a will on a topic of 5 001 levels', `${'a/'.repeat(5_000)}a`],
  ])('%s', async (_, topic) => {
    const own = {
      topic: actual(`rf/1/${FLEET}/THIEF/up/status`),
      payload: Buffer.from('{}'),
      qos: 1,
      retain: true,
    } as const;
    const allowed = open(thief, { will: own });
    await allowed.subscribe();
    const link = open(thief, { will: { ...own, topic: actual(topic) } });
    await until(() => expect(link.isClosed).toBe(true));
    expect(link.client.connected).toBe(false);
    expect(await codesRefused()).toContain('TOPIC_FORBIDDEN');
    expect(allowed.isClosed).toBe(false);
  });

  it.each([
    ['a subscription to the orders of another device', `rf/1/${FLEET}/VICTIM/dn/#`],
    ['a subscription to one order of another device', `rf/1/${FLEET}/VICTIM/dn/desired`],
    ['a subscription to the orders of all devices', `rf/1/${FLEET}/+/dn/#`],
    ['a subscription to the reports of another device', `rf/1/${FLEET}/VICTIM/up/#`],
    ['a subscription to the own reports', `rf/1/${FLEET}/THIEF/up/#`],
    ['a subscription to everything', '#'],
    ['a subscription to one level of anything', '+'],
    ['a subscription to six levels of anything', '+/+/+/+/+/+'],
    ['a subscription to the topics of the broker itself', '$SYS/#'],
    ['a shared subscription to the orders of another device', `$share/group/rf/1/${FLEET}/VICTIM/dn/#`],
    ['a shared subscription to everything', '$share/group/#'],
    ['a subscription to a topic of 5 001 levels', `${'a/'.repeat(5_000)}#`],
  ])('%s', async (_, filter) => {
    const link = open(thief);
    await link.subscribe();
    await expect(link.subscribe(actual(filter))).rejects.toThrow();
    const other = open(victim);
    await other.subscribe();
    await other.publish('hello', helloOf());
    await until(() => expect(other.desired()).toHaveLength(1));
    expect(link.heard).toEqual([]);
  });

  it('a client id of __proto__ with the certificate of another device', async () => {
    const odd = await TestDevice.enroll(world, '__proto__');
    const link = open(odd);
    await link.subscribe();
    await link.publish('hello', helloOf());
    await link.publish('event', report('event', 1, eventBody(), { at: Date.now() }));
    await until(() => expect(link.acks()).toHaveLength(1));
    expect(await world.stores.devices.get('__proto__')).toMatchObject({ id: '__proto__', isConnected: true });
    expect(await reportsOf(victim)).toEqual([]);
    const stranger = open(thief, { clientId: '__proto__' });
    await until(() => expect(stranger.isClosed).toBe(true));
    expect(stranger.client.connected).toBe(false);
    expect(await codesRefused()).toContain('CLIENT_ID_MISMATCH');
    expect(link.isClosed).toBe(false);
  });

  it('keys of __proto__ in a report', async () => {
    const link = open(thief);
    await link.subscribe();
    await link.publish('hello', helloOf());
    const body = JSON.stringify(report('event', 1, eventBody(), { at: Date.now() }));
    const poisoned = body.replace(
      '{',
      '{"__proto__":{"isPoisoned":true},"constructor":{"prototype":{"isPoisoned":true}},',
    );
    const topic = actual(`rf/1/${FLEET}/THIEF/up/event`);
    await link.client.publishAsync(topic, Buffer.from(poisoned), { qos: 1 });
    await until(() => expect(link.acks()).toHaveLength(1));
    expect(await reportsOf(thief)).toHaveLength(1);
    expect(({} as Record<string, unknown>)['isPoisoned']).toBeUndefined();
  });
});

describe('a device among others, over HTTP', () => {
  it('the assignment of another device, asked for over HTTP', async () => {
    const answer = await thief.http(`assignment?device=${victim.id}`, { headers: { 'x-device': victim.id } });
    expect(readStoredAssignment(answer.text)).toMatchObject({ device: thief.id });
  });

  it('reports in the name of another device over HTTP', async () => {
    const body = { v: 1, device: victim.id, reports: [report('event', 1, eventBody(), { at: Date.now() })] };
    expect((await thief.http('reports', { method: 'POST', body })).status).toBe(200);
    expect(await reportsOf(victim)).toEqual([]);
    expect(await reportsOf(thief)).toHaveLength(1);
  });

  it('a path that leaves its place', async () => {
    expect((await thief.http(`artifacts/sha256/${world.manifestDigest.slice(7)}`)).status).toBe(200);
    for (const path of [
      'metadata/..%2f..%2fcontrol.db',
      'artifacts/sha256/..%2fcontrol.db',
      'metadata/m.%00',
    ]) {
      expect((await thief.http(path)).status).toBeGreaterThanOrEqual(400);
    }
  });
});
