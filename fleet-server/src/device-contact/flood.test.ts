import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventBody, helloOf, report } from '../ports/stores.contract.ts';
import { startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
const FLOOD = 250;

let world: World;
const links: TestLink[] = [];
beforeEach(async () => {
  world = await startWorld(undefined, { pace: { perSecond: 100, burst: 50 } });
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  await world.stop();
});

async function ready(id: string): Promise<TestLink> {
  const link = (await TestDevice.enroll(world, id)).mqtt();
  links.push(link);
  await link.subscribe();
  await link.publish('hello', helloOf({ at: Date.now() }));
  return link;
}
const one = (seq: number) => report('event', seq, eventBody(), { at: Date.now() });
const storedUpTo = (link: TestLink): number => Math.max(0, ...link.acks().map((ack) => ack.storedUpTo));
const tallies = async (device: string) =>
  (await world.stores.reports.intakeOf(device)).tallies.map(({ code, count }) => ({ code, count }));

describe('a device that floods', () => {
  it('is slowed down and named once, loses nothing, and keeps no other device waiting', async () => {
    const [loud, quiet] = [await ready('loud'), await ready('quiet')];
    const flood = Array.from({ length: FLOOD }, (_, i) => loud.publish('event', one(i + 1)));
    await until(() => expect(storedUpTo(loud)).toBeGreaterThan(0));
    await quiet.publish('event', one(1));
    await until(() => expect(storedUpTo(quiet)).toBe(1));
    expect(storedUpTo(loud)).toBeLessThan(FLOOD);
    await Promise.all(flood);
    await until(() => expect(storedUpTo(loud)).toBe(FLOOD));
    const { items } = await world.stores.events.list({ limit: 500 });
    const named = items.filter(({ code }) => code === 'DEVICE_THROTTLED');
    expect(named).toMatchObject([{ device: 'loud', kind: 'device' }]);
    await until(async () => expect(await tallies('loud')).toMatchObject([{ code: 'DEVICE_THROTTLED' }]));
    expect(await tallies('quiet')).toEqual([]);
  });

  it('with bytes that nobody can read is counted, slowed down like any other, and still heard', async () => {
    const link = await ready('broken');
    const junk = Array.from({ length: 120 }, () =>
      link.client.publishAsync('rf/1/lab/broken/up/tele', '{"v":1,"id', { qos: 1 }),
    );
    await Promise.all(junk);
    await link.publish('event', one(1));
    await until(() => expect(storedUpTo(link)).toBe(1));
    await until(async () =>
      expect(await tallies('broken')).toEqual(
        expect.arrayContaining([
          { code: 'NOT_JSON', count: 120 },
          { code: 'DEVICE_THROTTLED', count: expect.any(Number) },
        ]),
      ),
    );
  });
});
