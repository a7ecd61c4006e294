import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { helloOf } from '../ports/stores.contract.ts';
import { startWorld, TestDevice, type TestLink, type World } from './device-side-fixture.ts';

let world: World;
const links: TestLink[] = [];
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  for (const link of links.splice(0)) await link.end();
  await world.stop();
});

async function connected(id: string): Promise<TestLink> {
  const link = (await TestDevice.enroll(world, id)).mqtt();
  links.push(link);
  await link.subscribe();
  await link.publish('hello', helloOf());
  return link;
}
const commands = (link: TestLink) => link.heard.filter(({ kind }) => kind === 'cmd');

it('asks a connected device at once to look for the order to erase it, and no other device', async () => {
  const [link, other] = [await connected('edge-1'), await connected('edge-2')];
  const order = { order: 'o-1', document: '{}', expiresAtMs: Date.now() + 60_000 };
  const change = { by: { kind: 'person', name: 'ada', role: 'admin' }, atMs: Date.now() } as const;
  await world.stores.identities.orderWipe('edge-1', order, change);
  await vi.waitFor(() => expect(commands(link)).toHaveLength(1), { timeout: 5_000, interval: 10 });
  expect(commands(link)[0]?.message).toMatchObject({ v: 1, op: 'poll' });
  // The same order again is no news.
  await world.stores.identities.orderWipe('edge-1', order, change);
  await world.stores.identities.orderWipe('edge-2', { ...order, order: 'o-2' }, change);
  await vi.waitFor(() => expect(commands(other)).toHaveLength(1), { timeout: 5_000, interval: 10 });
  expect(commands(link)).toHaveLength(1);
});
