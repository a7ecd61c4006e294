import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../../ports/log.ts';
import { DIGEST_1, DIGEST_2, enrolled, releaseOf } from '../../ports/stores.contract.ts';
import { tickAll } from '../../rollout-engine/engine.ts';
import { CHANGE, NOW_MS, openPeople, type PeopleFixture } from '../people-fixture.ts';

const PLAN = {
  soak: { for: '1s', minInferences: 1, deadline: '1m' },
  rings: [
    { ring: 'canary', bake: '5s', deadline: '10m', minProven: 1, maxFailures: 0 },
    { ring: 'fleet', bake: '5s', deadline: '10m', minProven: 1 },
  ],
};

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
  const { stores } = people;
  for (const id of ['c', 'f1', 'f2']) await enrolled(stores, id);
  await stores.releases.add(releaseOf('1.0.0', DIGEST_1), Buffer.from('{}'), CHANGE);
  await stores.releases.add(releaseOf('1.1.0', DIGEST_2), Buffer.from('{}'), CHANGE);
  await ask('PUT', 'rings/canary', { ordinal: 1, devices: ['c'] });
  await ask('PUT', 'rings/fleet', { ordinal: 2, selector: 'site=a' });
});
afterEach(() => people.close());

async function ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown) {
  const response = await people.ask(method, `/api/v1/${path}`, body);
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}
const start = () => ask('POST', 'rollouts', { model: 'tiny', version: '1.1.0', plan: PLAN });
const tick = () => tickAll({ stores: people.stores, clock: () => NOW_MS, log: SILENT, tickMs: 1 });

describe('rings over the API', () => {
  it('lists them in order with members and assignments, page by page', async () => {
    await ask('POST', 'rings/canary/assignments', { model: 'tiny', version: '1.0.0' });
    const first = await ask('GET', 'rings?limit=1');
    expect(first.body.items).toMatchObject([
      { name: 'canary', members: 1, connected: 0, assignments: [{ model: 'tiny', version: '1.0.0' }] },
    ]);
    const second = await ask('GET', `rings?limit=1&cursor=${first.body.next}`);
    expect(second.body).toMatchObject({ items: [{ name: 'fleet', members: 2 }], next: null });
  });

  it('refuses a selector that cannot be read, naming the position', async () => {
    expect(await ask('PUT', 'rings/odd', { ordinal: 3, selector: 'site in a' })).toMatchObject({
      status: 400,
      body: { code: 'SELECTOR_INVALID', at: 'selector:9' },
    });
  });

  it('guards against two operators at once', async () => {
    const { headers } = await ask('PUT', 'rings/canary', { ordinal: 1, devices: ['c'] });
    expect(headers['etag']).toBe('"2"');
    const late = await people.app.inject({
      method: 'PUT',
      url: '/api/v1/rings/canary',
      headers: { ...(await people.as('operator')), 'if-match': '"1"' },
      payload: { ordinal: 1 },
    });
    expect([late.statusCode, late.json().code]).toEqual([409, 'REVISION_CONFLICT']);
  });

  it('previews who would be in a ring, and reports orphans and overlaps', async () => {
    const { body } = await ask('GET', 'rings/preview?selector=site%3Da&ordinal=2');
    expect(body).toMatchObject({ matches: 2, of: 3, orphans: [] });
    expect(body.overlaps).toEqual([{ device: 'c', rings: ['canary', 'fleet'] }]);
    expect(body.devices[0]).toMatchObject({ id: 'f1', ring: 'fleet', labels: { site: 'a' } });
  });

  it('an assignment answers with something to watch and can bring its soak', async () => {
    const soak = { for: '6s', minInferences: 5, deadline: '1m' };
    const { status, body } = await ask('POST', 'rings/fleet/assignments', {
      model: 'tiny',
      version: '1.0.0',
      soak,
    });
    expect([status, body.sentence]).toEqual([
      201,
      'Ring fleet is to run tiny 1.0.0: 2 devices, 2 of them offline.',
    ]);
    expect(await people.stores.rings.assignments()).toMatchObject([
      { soak: { soakMs: 6_000, minInferences: 5, deadlineMs: 60_000 } },
    ]);
  });

  it.each([
    ['rings/nowhere/assignments', '1.0.0', 'RING_UNKNOWN'],
    ['rings/fleet/assignments', '9.9.9', 'RELEASE_UNKNOWN'],
  ])('POST %s of %s is %s', async (path, version, code) => {
    expect(await ask('POST', path, { model: 'tiny', version })).toMatchObject({
      status: 404,
      body: { code },
    });
  });

  it('lets a viewer change nothing', async () => {
    const viewer = await people.as('viewer');
    for (const [method, url] of [
      ['PUT', '/api/v1/rings/canary'],
      ['DELETE', '/api/v1/rings/canary'],
      ['POST', '/api/v1/rings/canary/assignments'],
      ['POST', '/api/v1/rollouts'],
      ['POST', '/api/v1/rollouts/x/pause'],
    ] as const) {
      const response = await people.ask(method, url, {}, viewer);
      expect([url, response.statusCode]).toEqual([url, 403]);
    }
  });
});

describe('rollouts over the API', () => {
  it('starts one, which the engine then moves', async () => {
    const { status, body } = await start();
    expect([status, body.state, body.createdBy]).toEqual([201, 'running', expect.any(String)]);
    await tick();
    const { body: moved } = await ask('GET', `rollouts/${body.id}`);
    expect(moved.rings[0]).toMatchObject({ state: 'open', gate: null });
    expect((await ask('GET', 'rollouts?model=tiny&active=true')).body.items).toHaveLength(1);
  });

  it('explains why it stands where it stands', async () => {
    const { body } = await start();
    await tick();
    await tick();
    const { body: why } = await ask('GET', `rollouts/${body.id}/explain`);
    expect(why.sentences.join('\n')).toContain('GATE_UNREACHED');
    expect(why.devices[0]).toMatchObject({ device: 'c', ring: 'canary', code: 'OFFLINE' });
  });

  it('refuses a plan whose gate can never pass, with the arithmetic', async () => {
    const plan = { rings: [{ ring: 'canary', minProven: 2 }] };
    const { status, body } = await ask('POST', 'rollouts', { model: 'tiny', version: '1.1.0', plan });
    expect([status, body.code, body.at]).toEqual([400, 'PLAN_IMPOSSIBLE', '/rings/0/minProven']);
    expect(body.detail).toContain('minProven 2 > 1 device in the ring');
  });

  it('takes orders, and refuses those that do not apply', async () => {
    const { body } = await start();
    expect((await ask('POST', `rollouts/${body.id}/resume`)).body.code).toBe('ROLLOUT_STATE_CONFLICT');
    expect((await ask('POST', `rollouts/${body.id}/approve`)).status).toBe(409);
    expect((await ask('POST', `rollouts/${body.id}/pause`)).body.state).toBe('paused');
    expect((await ask('POST', `rollouts/${body.id}/resume`)).body.state).toBe('running');
    expect((await ask('POST', `rollouts/${body.id}/abort`, { mode: 'keep' })).body.state).toBe('aborted');
    expect((await ask('POST', `rollouts/${body.id}/abort`, { mode: 'keep' })).status).toBe(409);
  });

  it('abort revert takes a release away from a ring that ran nothing before', async () => {
    const { body } = await start();
    await tick();
    expect(await people.stores.rings.assignments()).toHaveLength(1);
    await ask('POST', `rollouts/${body.id}/abort`, { mode: 'revert' });
    expect(await people.stores.rings.assignments()).toEqual([]);
  });

  it('a newer rollout supersedes the one that shares a ring', async () => {
    const { body: first } = await start();
    const { status } = await ask('POST', 'rollouts', { model: 'tiny', version: '1.0.0', plan: PLAN });
    expect(status).toBe(201);
    expect((await ask('GET', `rollouts/${first.id}`)).body).toMatchObject({
      state: 'superseded',
      reasonCode: 'ROLLOUT_SUPERSEDED',
    });
  });

  it('knows no rollout of another id', async () => {
    const { status, body } = await ask('GET', 'rollouts/01980000-0000-7000-8000-000000000001');
    expect([status, body.code]).toEqual([404, 'ROLLOUT_UNKNOWN']);
  });
});
