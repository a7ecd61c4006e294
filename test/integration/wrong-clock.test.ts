import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sayWhySkipped } from '../lab/requirements.ts';
import { FakeClock, noFakeClock } from './fake-clock.ts';
import { LiveFleet } from './live-fleet.fixture.ts';

sayWhySkipped('wrong clocks', noFakeClock);

/** One device for all: its clock is set wrong in one way after the other. */
describe.skipIf(noFakeClock)('a device with a wrong clock, and a server with the right one', () => {
  let folder: string;
  let clock: FakeClock;
  let fleet: LiveFleet;
  const install = async (version: string): Promise<void> => {
    await fleet.publish(version);
    await fleet.assign(version);
    await fleet.untilRunning(version);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rf-clock-'));
    clock = new FakeClock(join(folder, 'clock'));
    await clock.set('1970-01-01T00:01:00Z');
    fleet = await LiveFleet.start(clock.env);
  }, 60_000);
  afterAll(async () => {
    await fleet?.end();
    await rm(folder, { recursive: true, force: true });
  });

  it('is enrolled and installs with a clock at 1970, and reports at the right time', async () => {
    await install('1.0.0');
    const page = (await fleet.server.call('GET', 'devices/edge-1/events?limit=1')) as {
      items: readonly { atMs: number }[];
    };
    for (const { atMs } of page.items) expect(Math.abs(atMs - Date.now())).toBeLessThan(60_000);
  }, 60_000);

  it('installs while its clock jumps to 2031 and back to 1999', async () => {
    await clock.set('2031-05-05T05:05:05Z');
    await install('1.1.0');
    await clock.set('1999-12-31T23:59:59Z');
    await install('1.2.0');
  }, 60_000);

  it('starts with a clock at 2031, answers, and installs', async () => {
    await fleet.stopAgent();
    await clock.set('2031-05-05T05:05:05Z');
    await fleet.startAgent();
    await install('1.3.0');
    const refused = (await fleet.refusals()).filter((code) =>
      /^(METADATA|TIME|SERVER|CERTIFICATE)_/.test(code),
    );
    expect(refused).toEqual([]);
  }, 60_000);
});
