import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { helloOf, report, stateBody } from '../ports/stores.contract.ts';
import type { Change } from '../ports/stores.ts';
import { startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });
const change = (): Change => ({ by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: Date.now() });

let world: World;
let old: TestDevice;
const links: TestLink[] = [];
beforeEach(async () => {
  world = await startWorld();
  old = await TestDevice.enroll(world, 'edge-1');
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  await world.stop();
});

/** A token bound to edge-1, as `device replace` makes it. */
async function boundSecret(): Promise<string> {
  const secret = randomBytes(32).toString('hex');
  const secretHash = createHash('sha256').update(secret).digest('hex');
  const token = { name: 'r', secretHash, labels: {}, uses: 1, expiresAtMs: Date.now() + 60_000 };
  await world.stores.tokens.createEnrollment({ ...token, device: 'edge-1' }, change());
  return secret;
}

async function connected(device: TestDevice, hello = helloOf()): Promise<TestLink> {
  const link = device.mqtt();
  links.push(link);
  await link.subscribe();
  await link.publish('hello', hello);
  return link;
}

describe('a new board', () => {
  it('takes over identity, labels and history, and the old one is out', async () => {
    const link = await connected(old);
    await link.publish('state', report('state', 1, stateBody(), { at: Date.now() }));
    const board = await TestDevice.enroll(world, 'edge-1', await boundSecret());
    await until(() => expect(link.isClosed).toBe(true));
    expect((await old.http('assignment')).status).toBe(422);
    expect((await board.http('assignment')).status).toBe(200);
    expect(await world.stores.devices.get('edge-1')).toMatchObject({
      status: 'active',
      labels: { ring: 'canary' },
    });
    expect((await world.stores.reports.list('edge-1', { limit: 9 })).items).toHaveLength(1);
    // It does not run what the old board ran.
    expect(await world.stores.devices.models('edge-1')).toEqual([]);
  });

  it('ends the dispute over a copied identity', async () => {
    await connected(old);
    const instance = '01980000-0000-7000-8000-0000000000b2';
    const copy = old.mqtt();
    links.push(copy);
    await copy.subscribe();
    copy.publish('hello', helloOf({ instance })).catch(() => undefined);
    await until(async () =>
      expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'cloned' }),
    );
    const secret = await boundSecret();
    await world.stores.identities.revokeCertificates('edge-1', 'copied', change());
    expect((await old.http('assignment')).status).toBe(422);
    const board = await TestDevice.enroll(world, 'edge-1', secret);
    const link = await connected(
      board,
      helloOf({ journal: '01980000-0000-7000-8000-0000000000c3', instance }),
    );
    await until(() => expect(link.desired()).toHaveLength(1));
    expect(await world.stores.devices.get('edge-1')).toMatchObject({ status: 'active' });
  });

  it('gets no other identity with this token, and only one board does', async () => {
    const secret = await boundSecret();
    await expect(TestDevice.enroll(world, 'edge-9', secret)).rejects.toThrow('TOKEN_BOUND');
    await TestDevice.enroll(world, 'edge-1', secret);
    await expect(TestDevice.enroll(world, 'edge-1', secret)).rejects.toThrow('TOKEN_USED_UP');
  });
});
