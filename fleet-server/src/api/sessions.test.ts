import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, openPeople, type PeopleFixture } from './people-fixture.ts';

const OWN_PAGE = { 'x-ringfleet-csrf': '1', host: 'localhost:80', origin: 'http://localhost:80' };

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

async function signIn(): Promise<{ cookie: string }> {
  const response = await people.ask('POST', '/api/v1/session', { token: ADMIN_TOKEN }, OWN_PAGE);
  expect(response.statusCode).toBe(201);
  return { cookie: String(response.headers['set-cookie']).split(';')[0] ?? '' };
}

describe('dashboard sessions', () => {
  it('trades a token for a cookie that scripts and other sites cannot use', async () => {
    const response = await people.ask('POST', '/api/v1/session', { token: ADMIN_TOKEN }, OWN_PAGE);
    expect(response.json()).toEqual({ name: 'admin', role: 'admin' });
    expect(response.headers['set-cookie']).toMatch(/HttpOnly; SameSite=Strict/);
    expect(response.headers['set-cookie']).not.toContain(ADMIN_TOKEN);
  });

  it('refuses a wrong token', async () => {
    const response = await people.ask('POST', '/api/v1/session', { token: 'rfa_wrong' }, OWN_PAGE);
    expect(response.statusCode).toBe(401);
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  it('reads with the cookie, and signs out', async () => {
    const cookie = await signIn();
    expect((await people.ask('GET', '/api/v1/session', undefined, cookie)).json()).toEqual({
      name: 'admin',
      role: 'admin',
    });
    const out = await people.ask('DELETE', '/api/v1/session', undefined, { ...cookie, ...OWN_PAGE });
    expect(out.statusCode).toBe(204);
    expect((await people.ask('GET', '/api/v1/session', undefined, cookie)).statusCode).toBe(401);
  });

  it.each([
    ['no mark of the page', { host: 'localhost:80' }],
    ['another origin', { ...OWN_PAGE, origin: 'https://evil.test' }],
    ['another site', { ...OWN_PAGE, 'sec-fetch-site': 'cross-site' }],
  ])('refuses to change anything by cookie with %s', async (_case, headers) => {
    const cookie = await signIn();
    const body = { name: 'x', role: 'admin' };
    const response = await people.ask('POST', '/api/v1/tokens/api', body, { ...cookie, ...headers });
    expect(response.json()).toMatchObject({ status: 403, code: 'CROSS_SITE_REQUEST' });
  });

  it('changes things by cookie from its own page', async () => {
    const response = await people.ask(
      'POST',
      '/api/v1/tokens/api',
      { name: 'x', role: 'viewer' },
      {
        ...(await signIn()),
        ...OWN_PAGE,
      },
    );
    expect(response.statusCode).toBe(201);
  });

  it('opens the dashboard by a link that works once', async () => {
    const code = people.sessions.newCode({ kind: 'token', name: 'admin', role: 'admin' });
    const first = await people.app.inject(`/signin?code=${code}`);
    expect([first.statusCode, first.headers['location']]).toEqual([303, '/']);
    const cookie = { cookie: String(first.headers['set-cookie']).split(';')[0] ?? '' };
    expect((await people.ask('GET', '/api/v1/session', undefined, cookie)).statusCode).toBe(200);
    expect((await people.app.inject(`/signin?code=${code}`)).json()).toMatchObject({
      code: 'SIGN_IN_CODE_INVALID',
    });
  });
});
