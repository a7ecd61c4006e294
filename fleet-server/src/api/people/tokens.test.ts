import { EnrollmentToken } from '@ringfleet/shared/protocol';
import { buildSnapshot, buildTimestamp, fileMetaOf, signDocument } from '@ringfleet/shared/trust';
import { Check } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../credentials.ts';
import {
  CHANGE,
  NOW_MS,
  openPeople,
  type PeopleFixture,
  publishTrust,
  targetsText,
} from '../people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const create = (body: object, headers?: Record<string, string>) =>
  people.ask('POST', '/api/v1/tokens/enrollment', body, headers);

describe('enrollment tokens', () => {
  it('carry all a device needs for its first contact, and admit it', async () => {
    await publishTrust(people);
    const { token } = (await create({ name: 'hall', labels: { site: 'a' }, uses: 2 })).json<{
      token: string;
    }>();
    expect(token).toMatch(/^rfe1\./);
    const content = JSON.parse(Buffer.from(token.slice(5), 'base64url').toString('utf8')) as EnrollmentToken;
    expect(Check(EnrollmentToken, content)).toBe(true);
    expect(content).toMatchObject({
      v: 1,
      url: 'https://fleet.test:8443',
      labels: { site: 'a' },
      root: { signed: { version: 1 } },
    });

    const request = {
      id: 'd1',
      secretHash: hashSecret(content.secret),
      certSerial: 'aa',
      notAfterMs: NOW_MS + 1,
      capabilities: null,
    };
    await people.stores.devices.enroll(request, CHANGE);
    expect((await people.ask('GET', '/api/v1/devices/d1')).json()).toMatchObject({
      id: 'd1',
      labels: { site: 'a' },
    });
    expect((await people.ask('GET', '/api/v1/tokens/enrollment')).json()).toMatchObject({
      items: [{ name: 'hall', usesLeft: 1 }],
    });
  });

  it('carry the newest versions of all signed metadata', async () => {
    await publishTrust(people);
    const made = async () => {
      const { token } = (await create({ name: 'hall' })).json<{ token: string }>();
      return JSON.parse(Buffer.from(token.slice(5), 'base64url').toString('utf8')).minimum;
    };
    expect(await made()).toEqual({});
    const { keys, stores } = people;
    const meta = { 'targets.json': fileMetaOf(targetsText(keys)) };
    const snapshot = signDocument(buildSnapshot({ version: 5, expires: NOW_MS + 1, meta }), [keys.online]);
    await stores.trust.put('snapshot', 5, snapshot, CHANGE);
    const content = { version: 9, expires: NOW_MS + 1, snapshot: fileMetaOf(snapshot) };
    await stores.trust.put('timestamp', 9, signDocument(buildTimestamp(content), [keys.online]), CHANGE);
    expect(await made()).toEqual({ targets: 1, snapshot: 5, timestamp: 9 });
  });

  it('are not made before there is a trust root', async () => {
    expect((await create({ name: 'hall' })).json()).toMatchObject({
      status: 409,
      code: 'TRUST_NOT_INITIALISED',
    });
  });

  it.each([
    [{ name: 'hall', uses: 0 }, 'body/uses'],
    [{ name: 'hall', uses: '3' }, 'body/uses'],
    [{ name: 'hall', uzes: 3 }, 'body/uzes'],
    [{ labels: {} }, 'body/name'],
    [{ name: 'hall', labels: { site: 3 } }, 'body/labels/site'],
  ])('refuse %j and name the field', async (body, at) => {
    expect((await create(body)).json()).toMatchObject({ status: 400, code: 'API_REQUEST_INVALID', at });
  });

  it('are made once for one idempotency key, and not for another request with it', async () => {
    await publishTrust(people);
    const headers = { authorization: 'Bearer rfa_admin-of-the-test', 'idempotency-key': 'k1' };
    const first = await create({ name: 'hall' }, headers);
    const again = await create({ name: 'hall' }, headers);
    expect([again.statusCode, again.json()]).toEqual([201, first.json()]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await create({ name: 'other' }, headers)).json()).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect((await people.ask('GET', '/api/v1/tokens/enrollment')).json().items).toHaveLength(1);
  });
});

describe('API tokens', () => {
  it('let their holder in with their role, and no two have one name', async () => {
    const headers = await people.as('operator');
    expect((await people.ask('GET', '/api/v1/session', undefined, headers)).json()).toEqual({
      name: 'a-operator',
      role: 'operator',
    });
    const again = await people.ask('POST', '/api/v1/tokens/api', { name: 'a-operator', role: 'viewer' });
    expect(again.json()).toMatchObject({ status: 409, code: 'TOKEN_EXISTS' });
  });
});
