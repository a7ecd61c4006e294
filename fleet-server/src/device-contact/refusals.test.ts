import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SILENT } from '../ports/log.ts';
import type { RefusedContact } from '../ports/refusal-store.ts';
import { call, startWorld, TestDevice, type World } from './device-side-fixture.ts';
import { refusalRecorder } from './refusals.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 10 });

let world: World;
let device: TestDevice;
beforeEach(async () => {
  world = await startWorld();
  device = await TestDevice.enroll(world, 'edge-1');
});
afterEach(() => world.stop());

const refused = async (): Promise<readonly RefusedContact[]> =>
  (await world.stores.refusals.list({ limit: 99 })).items;

it('writes down who is refused with time, address, serial and reason', async () => {
  const by = { kind: 'system', name: 'test', role: 'admin' } as const;
  const how = { status: 'revoked', reason: '' } as const;
  await world.stores.identities.end('edge-1', how, { by, atMs: Date.now() });
  await device.http('assignment');
  await until(async () =>
    expect(await refused()).toMatchObject([
      {
        address: expect.stringContaining('127.0.0.1'),
        code: 'CERTIFICATE_NOT_VALID',
        device: 'edge-1',
        serial: expect.stringMatching(/^[0-9a-f]{32}$/),
        count: 1,
      },
    ]),
  );
});

it('knows contacts without a certificate and wrong tokens', async () => {
  await expect(
    call(`${world.side.deviceUrl}/device/v1/assignment`, { tls: { ca: world.ca } }),
  ).rejects.toThrow();
  const { hostname, port } = new URL(world.side.mqttUrl);
  const socket = connect({ host: hostname, port: Number(port), ca: world.ca });
  socket.on('error', () => undefined);
  await expect(TestDevice.enroll(world, 'edge-2', 'x'.repeat(40))).rejects.toThrow('TOKEN_UNKNOWN');
  await until(async () => {
    const found = (await refused()).map(({ code, address }) => `${code} ${address.replace('::ffff:', '')}`);
    expect(found.toSorted()).toEqual(['CLIENT_CERTIFICATE_REFUSED 127.0.0.1', 'TOKEN_UNKNOWN 127.0.0.1']);
  });
});

it('writes once in a while for one address and reason, and forgets no count', async () => {
  const written: number[] = [];
  let nowMs = 0;
  const store = {
    add: async ({ count }: { count: number }) => void written.push(count),
    list: async () => ({ items: [], next: null }),
  };
  const refusals = refusalRecorder({ store, clock: () => nowMs, log: SILENT });
  for (let n = 0; n < 1_000; n += 1) refusals.note({ address: '192.0.2.1', code: 'TOKEN_UNKNOWN' });
  refusals.note({ address: '192.0.2.2', code: 'TOKEN_UNKNOWN' });
  nowMs += 10_000;
  refusals.note({ address: '192.0.2.1', code: 'TOKEN_UNKNOWN' });
  expect(written).toEqual([1, 1, 1_000]);
});
