import { peekAssignment, readRoot, verifyAssignment } from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventBody, helloOf, report, stateBody, teleBody } from '../ports/stores.contract.ts';
import type { Stores } from '../ports/stores.ts';
import {
  assign,
  call,
  FLEET,
  SECRET,
  startWorld,
  TestDevice,
  type TestLink,
  type World,
} from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const INSTANCE_2 = '01980000-0000-7000-8000-0000000000b2';

let world: World;
let device: TestDevice;
const links: TestLink[] = [];
/** Set by a test to break the next ingests after their commit. */
let dieAfterCommit = false;

const breakable = (stores: Stores): Stores => ({
  ...stores,
  reports: {
    ...stores.reports,
    async ingest(...args) {
      const acks = await stores.reports.ingest(...args);
      if (dieAfterCommit) throw new Error('killed between commit and acknowledgement');
      return acks;
    },
  },
});

beforeEach(async () => {
  dieAfterCommit = false;
  world = await startWorld(breakable);
  device = await TestDevice.enroll(world, 'edge-1');
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  await world.stop();
});

function open(...args: Parameters<TestDevice['mqtt']>): TestLink {
  const link = device.mqtt(...args);
  links.push(link);
  return link;
}

describe('enrollment', () => {
  it('refuses a wrong secret and a taken id with a code and a remedy', async () => {
    await expect(TestDevice.enroll(world, 'edge-1')).rejects.toThrow('DEVICE_EXISTS');
    const answer = await call(`${world.peopleUrl}/device/v1/enroll`, {
      method: 'POST',
      body: { secret: SECRET, csr: 'not a request' },
      tls: { ca: world.ca },
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'CSR_INVALID', remedy: expect.any(String) });
  });

  it('signs the time with the nonce', async () => {
    const answer = await call(`${world.peopleUrl}/device/v1/time?nonce=abcdefgh`, { tls: { ca: world.ca } });
    expect(JSON.parse(answer.text)).toMatchObject({ signed: { nonce: 'abcdefgh' }, signatures: [{}] });
  });
});

describe('device HTTP', () => {
  it('a contact without a certificate of the fleet', async () => {
    await expect(
      call(`${world.side.deviceUrl}/device/v1/assignment`, { tls: { ca: world.ca } }),
    ).rejects.toThrow();
  });

  it('serves an assignment that the device can verify, and 304 while nothing changes', async () => {
    const empty = await device.http('assignment');
    expect(peekAssignment(empty.text)).toMatchObject({ generation: 1 });
    await assign(world);
    const answer = await device.http('assignment');
    const root = readRoot((await device.http('metadata/root.json')).text);
    const check = { device: 'edge-1', fleet: FLEET, nowMs: Date.now(), last: null };
    expect(verifyAssignment(root, answer.text, check)).toMatchObject({
      generation: 2,
      models: [{ model: 'tiny', version: '1.0.0', variants: ['int8-cpu'], soakMs: 1_800_000 }],
    });
    const headers = { 'if-none-match': String(answer.headers['etag']) };
    expect(await device.http('assignment', { headers })).toMatchObject({ status: 304, text: '' });
  });

  it('serves metadata and files, in part too', async () => {
    expect((await device.http('metadata/1.root.json')).status).toBe(200);
    expect((await device.http('metadata/m.tiny.json')).status).toBe(200);
    expect((await device.http('metadata/2.root.json')).status).toBe(404);
    const path = `artifacts/sha256/${world.manifestDigest.slice(7)}`;
    expect(await device.http(path)).toMatchObject({ status: 200, text: '{"manifest":true}' });
    const rest = await device.http(path, { headers: { range: 'bytes=12-' } });
    expect(rest).toMatchObject({
      status: 206,
      text: 'true}',
      headers: { 'content-range': 'bytes 12-16/17' },
    });
    expect((await device.http(path, { headers: { range: 'bytes=17-' } })).status).toBe(416);
    expect((await device.http(`artifacts/sha256/${'0'.repeat(64)}`)).status).toBe(404);
  });

  it('says what is missing while there is no trust root', async () => {
    const bare = await startWorld(breakable, { isPublished: false });
    const early = await TestDevice.enroll(bare, 'edge-1');
    const answer = await early.http('assignment');
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'TRUST_NOT_INITIALISED' });
    const link = early.mqtt();
    links.push(link);
    await link.subscribe();
    await link.publish('hello', helloOf());
    await link.end();
    await bare.stop();
  });

  it('takes reports when MQTT is blocked', async () => {
    const body = { v: 1, hello: helloOf(), reports: [report('event', 1, eventBody(), { at: Date.now() })] };
    const answer = await device.http('reports', { method: 'POST', body });
    expect(JSON.parse(answer.text)).toMatchObject({ v: 1, acks: [{ stream: 'event', storedUpTo: 1 }] });
    const clone = { ...body, hello: helloOf({ instance: INSTANCE_2 }) };
    const refused = await device.http('reports', { method: 'POST', body: clone });
    expect(refused.status).toBe(409);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'CLONED_DEVICE' });
  });
});

describe('MQTT', () => {
  const at = { at: Date.now() };

  it('stores reports and acknowledges them end to end', async () => {
    const link = open();
    await link.subscribe();
    await link.publish('hello', helloOf());
    await Promise.all([
      link.publish('state', report('state', 1, stateBody(), at)),
      link.publish('event', report('event', 1, { kind: 'nonsense' }, at)),
      link.publish('event', report('event', 2, eventBody(), at)),
      link.publish('tele', report('tele', 1, teleBody(), { at: at.at + 1 })),
    ]);
    await until(() => expect(link.acks()).toHaveLength(3));
    expect(link.acks()).toMatchObject([
      { stream: 'state', storedUpTo: 1 },
      { stream: 'event', storedUpTo: 2, quarantined: [{ seq: 1, code: 'MESSAGE_INVALID' }] },
      { stream: 'tele', storedUpTo: 1 },
    ]);
    expect(await world.stores.devices.get('edge-1')).toMatchObject({ isConnected: true });
    expect(await world.stores.devices.models('edge-1')).toMatchObject([{ isProven: true, answers: 10 }]);
    await link.end();
    await until(async () => {
      expect(await world.stores.devices.get('edge-1')).toMatchObject({ isConnected: false });
    });
  });

  it('sends the assignment at the hello and whenever it changes', async () => {
    const link = open();
    await link.subscribe();
    await link.publish('hello', helloOf());
    await until(() => expect(link.desired()).toHaveLength(1));
    expect(link.desired()[0]).toMatchObject({ generation: 1, reconnectWindowMs: 500 });
    await assign(world);
    await until(() => expect(link.desired()).toHaveLength(2));
    expect(link.desired()[1]).toMatchObject({ generation: 2, assignment: { signed: { _type: 'targets' } } });
    await world.side.pushDesired(['edge-1', 'unknown']);
    expect(link.desired()).toHaveLength(2);
  });

  it('does not double what was committed but not acknowledged', async () => {
    dieAfterCommit = true;
    const first = open();
    await first.subscribe();
    await first.publish('hello', helloOf());
    first.publish('tele', report('tele', 1, teleBody(), at)).catch(() => undefined);
    await until(() => expect(first.isClosed).toBe(true));
    expect(first.acks()).toEqual([]);
    dieAfterCommit = false;
    const second = open();
    await second.subscribe();
    await second.publish('tele', report('tele', 1, teleBody(), at));
    await until(() => expect(second.acks()).toMatchObject([{ storedUpTo: 1, quarantined: [] }]));
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toHaveLength(1);
    expect(await world.stores.devices.models('edge-1')).toMatchObject([{ answers: 10 }]);
  });

  it('keeps every device to its own topics', async () => {
    await TestDevice.enroll(world, 'edge-2');
    const link = open();
    // MQTT-3.9.3: 128 is the refusal.
    for (const filter of [`rf/1/${FLEET}/edge-2/dn/#`, '#', `rf/1/${FLEET}/edge-1/up/#`]) {
      await expect(link.subscribe(filter)).rejects.toThrow();
    }
    link.publish('event', report('event', 1, eventBody(), at), 'edge-2').catch(() => undefined);
    await until(() => expect(link.isClosed).toBe(true));
    expect((await world.stores.reports.list('edge-2', { limit: 9 })).items).toEqual([]);

    const other = await TestDevice.enroll(world, 'edge-3');
    const heard = other.mqtt();
    links.push(heard);
    await heard.subscribe();
    await heard.publish('hello', helloOf());
    await until(() => expect(heard.desired()).toHaveLength(1));
    expect(link.heard).toEqual([]);
  });

  it.each([
    ['the client id of another device', { clientId: 'edge-2' }],
    [
      'a will on another topic',
      {
        will: {
          topic: `rf/1/${FLEET}/edge-2/up/status`,
          payload: Buffer.from('{}'),
          qos: 1 as const,
          retain: false,
        },
      },
    ],
  ])('%s', async (_, options) => {
    const link = open(options);
    await until(() => expect(link.isClosed).toBe(true));
    expect(link.client.connected).toBe(false);
  });

  it('a second agent with a copied identity', async () => {
    const first = open();
    await first.subscribe();
    await first.publish('hello', helloOf());
    await until(() => expect(first.desired()).toHaveLength(1));
    const second = open();
    await second.subscribe();
    second.publish('hello', helloOf({ instance: INSTANCE_2 })).catch(() => undefined);
    await until(() => expect(second.isClosed).toBe(true));
    expect(second.desired()).toMatchObject([{ refused: { code: 'CLONED_DEVICE' } }]);
    expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'cloned', isConnected: true });
    await first.publish('event', report('event', 1, eventBody(), at));
    await until(() => expect(first.acks()).toHaveLength(1));
    // A copied identity must not take the models off the device that had them.
    expect(peekAssignment((await device.http('assignment')).text)).toMatchObject({ generation: 1 });
  });

  it('a running copy of a device’s disk', async () => {
    const first = open();
    await first.subscribe();
    await first.publish('hello', helloOf());
    await until(() => expect(first.desired()).toHaveLength(1));
    const copy = open();
    await copy.subscribe();
    copy.publish('hello', helloOf({ instance: INSTANCE_2, start: 2 })).catch(() => undefined);
    copy.publish('event', report('event', 1, eventBody(), at)).catch(() => undefined);
    await until(() => expect(copy.isClosed).toBe(true));
    expect(copy.desired()).toMatchObject([{ refused: { code: 'CLONED_DEVICE' } }]);
    expect(first.desired()[1]).toMatchObject({ warning: { code: 'CLONED_DEVICE' } });
    expect(first.isClosed).toBe(false);
    // What the copy says is not the device's word.
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toEqual([]);
    expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'cloned', isConnected: true });
  });

  it('lets a restarted agent take over its lingering connection', async () => {
    const first = open();
    await first.subscribe();
    await first.publish('hello', helloOf());
    // Its power was cut: nothing of what is sent to it is acknowledged any more.
    await until(() => expect(first.desired()).toHaveLength(1));
    first.client.stream.pause();
    const second = open();
    await second.subscribe();
    await second.publish('hello', helloOf({ instance: INSTANCE_2, start: 2 }));
    await until(async () => {
      expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'active', isConnected: true });
    });
    first.client.stream.resume();
    await until(() => expect(first.isClosed).toBe(true));
    await until(() => expect(second.desired()).toHaveLength(1));
    expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'active', isConnected: true });
  });
});
