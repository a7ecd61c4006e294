import { createHash, randomBytes } from 'node:crypto';
import { approvalCode, type EnrollPending, type EnrollReply } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newDeviceKey } from '../adapters/pki-fixture.ts';
import type { Change } from '../ports/stores.ts';
import { type Answer, call, startWorld, type World } from './device-side-fixture.ts';

let world: World;
let nowMs: number;
let secret: string;
let csr: string;
const change = (): Change => ({ by: { kind: 'person', name: 'ada', role: 'operator' }, atMs: nowMs });
beforeEach(async () => {
  nowMs = Date.now();
  world = await startWorld(undefined, { clock: () => nowMs });
  secret = randomBytes(32).toString('hex');
  csr = (await newDeviceKey()).csrPem;
  const secretHash = createHash('sha256').update(secret).digest('hex');
  const token = { name: 'a', secretHash, labels: { site: 'x' }, uses: 1, expiresAtMs: nowMs + 60_000 };
  await world.stores.tokens.createEnrollment({ ...token, needsApproval: true }, change());
});
afterEach(() => world.stop());

const ask = (body: object = {}): Promise<Answer> =>
  call(`${world.peopleUrl}/device/v1/enroll`, {
    method: 'POST',
    body: { secret, id: 'edge-7', csr, ...body },
    tls: { ca: world.ca },
  });
const waiting = async () => (await world.stores.pending.list({ limit: 9, nowMs })).items;

describe('a token with approval', () => {
  it('gives no certificate before a person has compared the code, and then exactly this key one', async () => {
    const first = await ask();
    expect(first.status).toBe(202);
    expect(JSON.parse(first.text) as EnrollPending).toMatchObject({ state: 'pending', device: 'edge-7' });
    expect(await world.stores.devices.get('edge-7')).toBeNull();
    const code = approvalCode(await world.pki.keyDigest(csr));
    expect(await waiting()).toMatchObject([{ id: 'edge-7', code, labels: { site: 'x' } }]);

    const wrong = world.stores.pending.approve('edge-7', '00000000', change());
    await expect(wrong).rejects.toMatchObject({ code: 'APPROVAL_CODE_WRONG' });
    // The only admission is used up; who waits with it is still known.
    expect((await ask()).status).toBe(202);
    await world.stores.pending.approve('edge-7', code, change());

    const thief = await ask({ csr: (await newDeviceKey()).csrPem });
    expect(JSON.parse(thief.text)).toMatchObject({ code: 'DEVICE_EXISTS' });
    const done = await ask();
    expect(done.status).toBe(200);
    expect((JSON.parse(done.text) as EnrollReply).device).toBe('edge-7');
    expect(await world.stores.devices.get('edge-7')).toMatchObject({
      status: 'active',
      labels: { site: 'x' },
    });
    expect(await waiting()).toEqual([]);
  });

  it('answers again when the answer was lost', async () => {
    await ask();
    await world.stores.pending.approve('edge-7', approvalCode(await world.pki.keyDigest(csr)), change());
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(200);
  });

  it('admits nobody who was rejected, nobody else with it, and nobody after a day', async () => {
    await ask();
    expect(JSON.parse((await ask({ id: 'edge-8' })).text)).toMatchObject({ code: 'TOKEN_USED_UP' });
    await world.stores.pending.reject('edge-7', change());
    expect(JSON.parse((await ask()).text)).toMatchObject({ code: 'TOKEN_USED_UP' });
    nowMs += 2 * 86_400_000;
    await expect(world.stores.pending.approve('edge-7', 'x', change())).rejects.toMatchObject({
      code: 'ENROLLMENT_UNKNOWN',
    });
  });
});
