import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../credentials.ts';
import { CHANGE, NOW_MS, openPeople, type PeopleFixture } from '../people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
  const token = {
    name: 't',
    secretHash: hashSecret('s'),
    labels: { site: 'a' },
    uses: 10,
    expiresAtMs: NOW_MS + 1_000,
  };
  await people.stores.tokens.createEnrollment(token, CHANGE);
  for (const id of ['d1', 'd2', 'd3']) {
    const request = {
      id,
      secretHash: hashSecret('s'),
      certSerial: id,
      notAfterMs: NOW_MS + 1_000,
      capabilities: null,
    };
    await people.stores.devices.enroll(request, CHANGE);
  }
  const ring = { name: 'canary', ordinal: 0, selector: null, devices: ['d2'], shareBasisPoints: null };
  await people.stores.rings.put(ring, null, CHANGE);
});
afterEach(() => people.close());

const ids = (body: { items: { id: string }[] }): string[] => body.items.map((item) => item.id);

describe('devices', () => {
  it('are listed page by page with the ring they are in', async () => {
    const first = (await people.ask('GET', '/api/v1/devices?limit=2')).json();
    expect(ids(first)).toEqual(['d1', 'd2']);
    expect(first.items[1]).toMatchObject({
      ring: 'canary',
      labels: { site: 'a' },
      isConnected: false,
      models: [],
    });
    const rest = (await people.ask('GET', `/api/v1/devices?limit=2&cursor=${first.next}`)).json();
    expect([ids(rest), rest.next]).toEqual([['d3'], null]);
  });

  it('are found by ring and by text', async () => {
    expect(ids((await people.ask('GET', '/api/v1/devices?ring=canary')).json())).toEqual(['d2']);
    expect(ids((await people.ask('GET', '/api/v1/devices?search=d3')).json())).toEqual(['d3']);
  });

  it('show one, or say that there is none', async () => {
    expect((await people.ask('GET', '/api/v1/devices/d2')).json()).toMatchObject({
      id: 'd2',
      rings: ['canary'],
    });
    expect((await people.ask('GET', '/api/v1/devices/d9')).json()).toMatchObject({
      status: 404,
      code: 'DEVICE_UNKNOWN',
    });
    expect((await people.ask('GET', '/api/v1/devices/d9/reports')).json()).toMatchObject({
      code: 'DEVICE_UNKNOWN',
    });
  });

  it('take labels, lose those that are null, and leave a trace', async () => {
    const patched = await people.ask('PATCH', '/api/v1/devices/d1', { labels: { tier: 'gold', site: null } });
    expect(patched.json()).toMatchObject({ id: 'd1', labels: { tier: 'gold' } });
    expect(patched.json().labels).toEqual({ tier: 'gold' });
    const audit = (await people.ask('GET', '/api/v1/audit?limit=1')).json();
    expect(audit.items[0]).toMatchObject({ by: 'token:admin', action: 'device.label', target: 'd1' });
    const events = (await people.ask('GET', '/api/v1/devices/d1/events')).json();
    expect(events.items[0]).toMatchObject({ code: 'DEVICE_LABELED', device: 'd1' });
  });

  it('refuse labels that are no labels', async () => {
    const bad = await people.ask('PATCH', '/api/v1/devices/d1', { labels: { 'a b': 'x' } });
    expect(bad.json()).toMatchObject({ status: 400, code: 'API_REQUEST_INVALID' });
  });

  it('are counted in the overview', async () => {
    expect((await people.ask('GET', '/api/v1/overview')).json()).toMatchObject({
      fleet: 'test',
      devices: { total: 3, connected: 0 },
      rollouts: { active: 0, halted: 0 },
      releases: [],
    });
  });

  it('refuse a cursor that the server did not give', async () => {
    expect((await people.ask('GET', '/api/v1/audit?cursor=nonsense')).json()).toMatchObject({
      status: 400,
      code: 'CURSOR_INVALID',
    });
  });
});

describe('the end of an identity', () => {
  it('is an operator’s to decide, and shows', async () => {
    const viewer = await people.as('viewer');
    expect((await people.ask('POST', '/api/v1/devices/d1/revoke', {}, viewer)).statusCode).toBe(403);
    const operator = await people.as('operator');
    const done = await people.ask('POST', '/api/v1/devices/d1/revoke', { reason: 'lost' }, operator);
    expect(done.json()).toMatchObject({ id: 'd1', status: 'revoked' });
    const gone = await people.ask('POST', '/api/v1/devices/d2/decommission', {}, operator);
    expect(gone.json()).toMatchObject({ id: 'd2', status: 'decommissioned', ring: null });
    expect((await people.ask('POST', '/api/v1/devices/d9/revoke', {}, operator)).statusCode).toBe(404);
  });

  it('never wipes from afar', async () => {
    const answer = await people.ask('POST', '/api/v1/devices/d2/decommission', { wipe: true });
    expect(answer.json()).toMatchObject({ status: 422, code: 'WIPE_NEEDS_SIGNATURE' });
    expect((await people.ask('GET', '/api/v1/devices/d2')).json()).toMatchObject({ status: 'active' });
  });
});
