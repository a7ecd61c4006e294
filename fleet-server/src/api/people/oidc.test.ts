import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NextSignIn, startProvider } from '../../adapters/oidc-fixture.ts';
import { oidcProvider } from '../../adapters/oidc-provider.ts';
import { openPeople, type PeopleFixture } from '../people-fixture.ts';

const HOST = { host: 'localhost:8080' };
const ADA = { sub: '7', preferred_username: 'ada', groups: ['staff', 'fleet-ops', 'fleet-admins'] };

let provider: Awaited<ReturnType<typeof startProvider>>;
let people: PeopleFixture;
beforeEach(async () => {
  provider = await startProvider();
  const identityProvider = oidcProvider({
    issuer: provider.issuer,
    clientId: 'ringfleet',
    clientSecret: 'the secret',
    roleClaim: 'groups',
    roles: { 'fleet-ops': 'operator', 'fleet-admins': 'admin' },
  });
  people = await openPeople({ identityProvider });
});
afterEach(async () => {
  await people.close();
  provider.close();
});

const cookiesOf = (header: unknown): string =>
  [header]
    .flat()
    .map((text) => String(text).split(';')[0])
    .join('; ');

/** Goes to the provider and comes back with what it gives. */
async function leave(signIn: NextSignIn): Promise<{ cookie: string; back: string }> {
  provider.gives(signIn);
  const begun = await people.ask('GET', '/signin/oidc', undefined, HOST);
  expect(begun.statusCode).toBe(303);
  const there = await fetch(String(begun.headers['location']), { redirect: 'manual' });
  const { pathname, search, origin } = new URL(there.headers.get('location') ?? '');
  expect(origin).toBe('http://localhost:8080');
  return { cookie: cookiesOf(begun.headers['set-cookie']), back: `${pathname}${search}` };
}
const comeBack = (back: string, cookie: string) => people.ask('GET', back, undefined, { ...HOST, cookie });

describe('sign-in through an identity provider', () => {
  it('lets in whom it vouches for, with the highest role of their groups', async () => {
    const { cookie, back } = await leave({ claims: ADA });
    const response = await comeBack(back, cookie);
    expect([response.statusCode, response.headers['location']]).toEqual([303, '/']);
    const session = { cookie: cookiesOf(response.headers['set-cookie']) };
    expect((await people.ask('GET', '/api/v1/session', undefined, session)).json()).toEqual({
      name: 'ada',
      role: 'admin',
    });
    expect(await people.stores.people.get('ada')).toMatchObject({ isExternal: true, hasPassword: false });
    expect((await comeBack(back, cookie)).json()).toMatchObject({ status: 401, code: 'OIDC_REFUSED' });
  });

  it.each([
    ['an identity of another nonce', { claims: ADA, nonce: 'x' }, 401, 'OIDC_REFUSED'],
    ['an identity signed by another key', { claims: ADA, signWithOtherKey: true }, 401, 'OIDC_REFUSED'],
    ['an identity for another audience', { claims: { ...ADA, aud: 'shop' } }, 401, 'OIDC_REFUSED'],
    ['an identity of another issuer', { claims: { ...ADA, iss: 'https://evil.test' } }, 401, 'OIDC_REFUSED'],
    ['an identity past its date', { claims: { ...ADA, exp: 1 } }, 401, 'OIDC_REFUSED'],
    ['an identity without a signature (alg none)', { claims: ADA, forged: 'none' }, 401, 'OIDC_REFUSED'],
    ['an identity signed with the client’s secret', { claims: ADA, forged: 'HS256' }, 401, 'OIDC_REFUSED'],
    ['an identity that was cut', { claims: ADA, forged: 'cut' }, 401, 'OIDC_REFUSED'],
    [
      'an identity without a group of the fleet',
      { claims: { ...ADA, groups: ['staff', 'toString'] } },
      403,
      'OIDC_NO_ROLE',
    ],
  ] as [string, NextSignIn, number, string][])('%s', async (_case, signIn, status, code) => {
    const { cookie, back } = await leave(signIn);
    const response = await comeBack(back, cookie);
    expect(response.json()).toMatchObject({ status, code });
    expect(cookiesOf(response.headers['set-cookie'])).not.toContain('ringfleet-loopback=');
    expect(await people.stores.people.isEmpty()).toBe(true);
  });

  it('a way back of a sign-in that another browser began', async () => {
    const { cookie, back } = await leave({ claims: ADA });
    expect((await comeBack(back, '')).json()).toMatchObject({ code: 'OIDC_REFUSED' });
    expect((await comeBack(`${back}x`, cookie)).json()).toMatchObject({ code: 'OIDC_REFUSED' });
    people.pass(10 * 60_000);
    expect((await comeBack(back, cookie)).json()).toMatchObject({ code: 'OIDC_REFUSED' });
  });

  it('never takes over an account that has a password', async () => {
    const body = { code: people.setup.make(), name: 'ada', password: 'correct horse battery' };
    await people.ask('POST', '/api/v1/setup', body, { 'x-ringfleet-csrf': '1' });
    const { cookie, back } = await leave({ claims: ADA });
    expect((await comeBack(back, cookie)).json()).toMatchObject({ status: 409, code: 'PERSON_EXISTS' });
  });

  it('says that the provider cannot be reached', async () => {
    provider.close();
    const response = await people.ask('GET', '/signin/oidc', undefined, HOST);
    expect(response.json()).toMatchObject({ status: 503, code: 'OIDC_UNREACHABLE' });
  });

  it('is off unless it is configured', async () => {
    const other = await openPeople();
    expect((await other.app.inject('/api/v1/session/ways')).json()).toEqual({ identityProvider: false });
    expect((await other.app.inject('/signin/oidc')).headers['location']).toBeUndefined();
    expect((await people.app.inject('/api/v1/session/ways')).json()).toEqual({ identityProvider: true });
    await other.close();
  });
});
