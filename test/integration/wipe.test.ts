import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveFleet } from './live-fleet.fixture.ts';

let fleet: LiveFleet;
beforeAll(async () => {
  // It looks once an hour by itself: what it does sooner it was told to do.
  fleet = await LiveFleet.start({ RINGFLEET_AGENT__POLL__PERIODMS: '3600000' });
  await fleet.publish('1.0.0');
  await fleet.assign('1.0.0');
  await fleet.untilRunning('1.0.0');
}, 60_000);
afterAll(() => fleet?.end());

async function order(...devices: readonly string[]): Promise<string> {
  const path = join(fleet.dir, `wipe-${devices.join('-')}.json`);
  await fleet.cli(
    ...['trust', 'wipe', 'order', '--dir', fleet.trust, '--fleet', 'north-plant', '--device', ...devices],
    ...['--key', join(fleet.trust, 'keys', 'targets.key.json'), '--out', path],
  );
  return path;
}
const decommission = (path: string) =>
  fleet.tryCli('device', 'decommission', 'edge-1', '--wipe', path, '--yes');

describe('a wipe', () => {
  it('is not passed on for another device, nor altered', async () => {
    expect((await decommission(await order('edge-2'))).err).toContain('WIPE_NOT_MINE');
    const path = await order('edge-1', 'edge-3');
    await writeFile(path, (await readFile(path, 'utf8')).replace('edge-3', 'edge-4'));
    expect((await decommission(path)).err).toContain('SIGNATURE_INVALID');
    expect(await fleet.running()).toBe('1.0.0');
  }, 60_000);

  it('erases all but the id of its order, and ends the agent and the identity', async () => {
    const { code, out } = await decommission(await order('edge-1'));
    expect([code, out]).toEqual([0, expect.stringContaining('is connected and erases itself now')]);
    expect(await fleet.agentEnded()).toBe(0);
    expect(await readdir(fleet.stateDir)).toEqual(['wiped-orders.json']);
    await expect
      .poll(async () => (await fleet.server.call('GET', 'devices/edge-1')) as object, { timeout: 10_000 })
      .toMatchObject({ status: 'decommissioned' });
  }, 60_000);
});
