import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ADMIN,
  newSigner,
  openPeople,
  type PeopleFixture,
  publishTrust,
  rootText,
  targetsText,
} from '../people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const put = (role: string, text: string) =>
  people.ask('PUT', `/api/v1/trust/${role}`, text, { ...ADMIN, 'content-type': 'application/json' });

describe('trust', () => {
  it('keeps signed documents byte by byte', async () => {
    const text = rootText(people.keys);
    expect((await put('root', text)).json()).toEqual({ role: 'root', version: 1 });
    const got = await people.ask('GET', '/api/v1/trust/root');
    expect([got.body, got.headers['content-type']]).toEqual([text, 'application/json']);
  });

  it('shows what the fleet trusts', async () => {
    const online = people.keys.online.keyid;
    expect((await people.ask('GET', '/api/v1/trust')).json()).toMatchObject({
      root: null,
      targets: null,
      onlineKey: { keyid: online },
    });
    await publishTrust(people);
    expect((await people.ask('GET', '/api/v1/trust')).json()).toMatchObject({
      root: { version: 1, isDevelopment: true },
      targets: { version: 1, models: ['tiny'] },
    });
  });

  it('takes the same root again and no other in its place', async () => {
    await put('root', rootText(people.keys));
    expect((await put('root', rootText(people.keys))).statusCode).toBe(200);
    const stranger = { ...people.keys, root: newSigner() };
    expect((await put('root', rootText(stranger))).statusCode).toBe(422);
    expect((await put('root', rootText(stranger, { version: 2 }))).statusCode).toBe(422);
  });

  it("refuses a root that does not name this server's key", async () => {
    const elsewhere = { ...people.keys, online: newSigner() };
    expect((await put('root', rootText(elsewhere))).json()).toMatchObject({ code: 'ONLINE_KEY_NOT_IN_ROOT' });
    expect((await people.ask('GET', '/api/v1/trust/root')).json()).toMatchObject({
      code: 'METADATA_UNKNOWN',
    });
  });

  it('refuses targets without a root, and older ones', async () => {
    expect((await put('targets', targetsText(people.keys))).json()).toMatchObject({
      code: 'TRUST_NOT_INITIALISED',
    });
    await put('root', rootText(people.keys));
    await put('targets', targetsText(people.keys, 2));
    expect((await put('targets', targetsText(people.keys, 1))).json()).toMatchObject({
      code: 'METADATA_NOT_NEWER',
    });
  });

  it('refuses what is no signed document, and roles that are not published this way', async () => {
    expect((await put('root', 'not JSON')).json()).toMatchObject({ code: 'METADATA_MALFORMED' });
    expect((await put('snapshot', '{}')).json()).toMatchObject({ code: 'API_REQUEST_INVALID' });
  });
});
