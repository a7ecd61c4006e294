import { createHash, X509Certificate } from 'node:crypto';
import type { EnrollReply } from '@ringfleet/shared/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newDeviceKey } from '../adapters/pki-fixture.ts';
import type { Change } from '../ports/stores.ts';
import {
  type Answer,
  call,
  FLEET,
  SECRET,
  startWorld,
  TestDevice,
  type World,
} from './device-side-fixture.ts';

const CHANGE: Change = { by: { kind: 'system', name: 'test', role: 'admin' }, atMs: Date.now() };
const [ONCE, LATE, BOUND] = ['o'.repeat(40), 'l'.repeat(40), 'b'.repeat(40)];

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await add('once', ONCE, {});
  await add('late', LATE, { expiresAtMs: Date.now() - 1 });
  await add('bound', BOUND, { device: 'edge-9' });
  await TestDevice.enroll(world, 'edge-1');
  await TestDevice.enroll(world, 'edge-2', ONCE);
});
afterAll(() => world.stop());

function add(name: string, secret: string, changes: object): Promise<void> {
  const secretHash = createHash('sha256').update(secret).digest('hex');
  const token = { name, secretHash, labels: {}, uses: 1, expiresAtMs: Date.now() + 60_000, ...changes };
  return world.stores.tokens.createEnrollment(token, CHANGE);
}

const ask = async (body: object): Promise<Answer> =>
  call(`${world.peopleUrl}/device/v1/enroll`, {
    method: 'POST',
    body: { csr: (await newDeviceKey()).csrPem, ...body },
    tls: { ca: world.ca },
  });

/** Everything an enrollment changes. */
const standing = async () => ({
  devices: await world.stores.devices.list({ limit: 99 }),
  tokens: await world.stores.tokens.listEnrollment({ limit: 99 }),
  audit: await world.stores.audit.head(),
  events: (await world.stores.events.list({ limit: 1 })).items,
});

describe('at enrollment, with a token that admits', () => {
  it.each([
    ['an enrollment token used by a second device', { secret: ONCE, id: 'edge-3' }, 'TOKEN_USED_UP'],
    [
      'an enrollment token replayed by the device that it admitted',
      { secret: ONCE, id: 'edge-2' },
      'TOKEN_USED_UP',
    ],
    ['an enrollment token past its date', { secret: LATE, id: 'edge-3' }, 'TOKEN_EXPIRED'],
    [
      'an enrollment token with a changed secret',
      { secret: `${ONCE.slice(1)}x`, id: 'edge-3' },
      'TOKEN_UNKNOWN',
    ],
    ['an enrollment token of one device, used for another', { secret: BOUND, id: 'edge-3' }, 'TOKEN_BOUND'],
    ['an enrollment under the id of another device', { secret: SECRET, id: 'edge-1' }, 'DEVICE_EXISTS'],
    ['an enrollment under an id that is a path', { secret: SECRET, id: '../edge-3' }, 'MESSAGE_INVALID'],
    ['an enrollment with a request that nobody signed', { secret: SECRET, csr: 'x' }, 'CSR_INVALID'],
  ])('%s', async (_case, body, code) => {
    const before = await standing();
    expect(JSON.parse((await ask(body)).text)).toMatchObject({ code });
    expect(await standing()).toEqual(before);
  });

  it('a certificate request with the name of another device', async () => {
    const { csrPem: csr } = await newDeviceKey('P-256', 'CN=edge-1');
    const { certificate } = JSON.parse(
      (await ask({ secret: SECRET, id: 'edge-5', csr })).text,
    ) as EnrollReply;
    expect(new X509Certificate(certificate).subject).toBe(`CN=edge-5\nO=${FLEET}`);
  });
});
