import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../core/domain.ts';
import { allows, ROLES } from '../core/roles.ts';
import { hashSecret } from './credentials.ts';
import { CHANGE, NOW_MS, openPeople, type PeopleFixture } from './people-fixture.ts';

/** What may be asked without credentials. A new route that is open to all has to be written down here. */
const OPEN = [
  'GET /api/v1/session/ways',
  'POST /api/v1/session',
  'POST /api/v1/session/token',
  'POST /api/v1/setup',
  'POST /api/v1/invitation',
  'GET /api/v1/agent-packages',
];
const DAY_MS = 86_400_000;

let people: PeopleFixture;
let url: string;
let made = 0;
let routes: readonly { method: string; path: string; role: Role | 'none' }[];
beforeAll(async () => {
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
  routes = describedRoutes();
});
afterAll(() => people.close());

/** Everything the OpenAPI document describes, with placeholders filled in. */
function describedRoutes(): typeof routes {
  const { paths } = people.app.swagger() as unknown as {
    paths: Record<string, Record<string, { 'x-ringfleet-role': Role | 'none' }>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, 'x'),
      role: operation['x-ringfleet-role'],
    })),
  );
}

/** Status and code; streams are left after their first bytes. */
async function ask(
  { method, path }: { method: string; path: string },
  headers: Record<string, string>,
): Promise<{ status: number; code: string | null }> {
  const leave = new AbortController();
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    signal: leave.signal,
    redirect: 'manual',
  });
  const { status } = response;
  const code = status < 400 ? null : ((await response.json()) as { code: string }).code;
  leave.abort();
  return { status, code };
}

async function apiToken(role: Role, expiresInMs: number | null = null): Promise<string> {
  made += 1;
  const name = `t${made}-${role}`;
  const answer = await people.ask('POST', '/api/v1/tokens/api', { name, role, expiresInMs });
  return `Bearer ${answer.json().token}`;
}

async function sessionOf(role: Role): Promise<{ cookie: string }> {
  const token = (await apiToken(role, DAY_MS)).slice('Bearer '.length);
  const page = { 'x-ringfleet-csrf': '1' };
  const response = await people.ask('POST', '/api/v1/session', { token }, page);
  return { cookie: String(response.headers['set-cookie']).split(';')[0] ?? '' };
}

const MARK = { 'x-ringfleet-csrf': '1' };

async function expiredToken() {
  const authorization = await apiToken('admin', 1_000);
  people.pass(2_000);
  return { authorization };
}
async function expiredSession() {
  const session = await sessionOf('admin');
  people.pass(DAY_MS / 2);
  return { ...session, ...MARK };
}
async function revokedToken(): Promise<string> {
  const token = await apiToken('admin');
  await people.ask('DELETE', `/api/v1/tokens/api/t${made}-admin`);
  return token;
}
async function revokedSession() {
  const session = await sessionOf('admin');
  expect((await people.ask('GET', '/api/v1/session', undefined, session)).statusCode).toBe(200);
  await people.ask('DELETE', `/api/v1/tokens/api/t${made}-admin`);
  return { ...session, ...MARK };
}
async function signedOut() {
  const session = { ...(await sessionOf('admin')), ...MARK };
  await people.ask('DELETE', '/api/v1/session', undefined, session);
  return session;
}
async function leaver() {
  const invitation = { hash: 'h', expiresAtMs: NOW_MS };
  await people.stores.people.create({ name: 'eve', role: 'admin', invitation }, CHANGE);
  const secret = 'rfa_login-of-eve';
  const token = {
    name: 'login-eve',
    secretHash: hashSecret(secret),
    role: 'admin',
    expiresAtMs: null,
  } as const;
  await people.stores.tokens.createApi({ ...token, person: 'eve' }, CHANGE);
  const headers = { authorization: `Bearer ${secret}` };
  expect((await people.ask('GET', '/api/v1/session', undefined, headers)).statusCode).toBe(200);
  // The last administrator would stay.
  await people.stores.people.create(
    { name: 'zoe', role: 'admin', invitation: { ...invitation, hash: 'i' } },
    CHANGE,
  );
  await people.stores.people.remove('eve', CHANGE);
  return headers;
}

describe('every described route', () => {
  it('declares a role, and only the ways in need none', () => {
    expect(routes.length).toBeGreaterThan(30);
    const open = routes.filter(({ role }) => role === 'none').map(({ method, path }) => `${method} ${path}`);
    expect(open.toSorted()).toEqual(OPEN.toSorted());
    expect(routes.filter(({ role }) => role !== 'none' && !ROLES.includes(role))).toEqual([]);
  });

  it.each([
    ['any request without credentials', async () => ({})],
    ['any request with an unknown token', async () => ({ authorization: 'Bearer rfa_wrong' })],
    [
      'any request with name and password in the header',
      async () => ({ authorization: 'Basic YWRtaW46YWRtaW4=' }),
    ],
    ['any request with an expired token', expiredToken],
    ['any request with a revoked token', async () => ({ authorization: await revokedToken() })],
    ['any request with the login of somebody who has left', async () => leaver()],
    ['any request with an expired session', expiredSession],
    ['any request with a session of a revoked token', async () => revokedSession()],
    ['any request with a session that was signed out', async () => signedOut()],
  ] as [string, () => Promise<Record<string, string>>][])('%s', async (_case, make) => {
    const headers = await make();
    const before = await people.stores.audit.head();
    for (const route of routes.filter(({ role }) => role !== 'none')) {
      const { status, code } = await ask(route, headers);
      expect([route, status, code]).toEqual([route, 401, 'NOT_AUTHENTICATED']);
    }
    expect(await people.stores.audit.head()).toEqual(before);
  });

  it.each([
    ['what a viewer may not, asked by one', 'viewer'],
    ['what an operator may not, asked by one', 'operator'],
    ['what a publisher may not, asked by one', 'publisher'],
    ['nothing, to an administrator', 'admin'],
  ] as const)('%s', async (_case, role) => {
    const authorization = await apiToken(role);
    for (const route of routes.filter((known) => known.role !== 'none')) {
      const { status, code } = await ask(route, { authorization });
      if (!allows(role, route.role as Role))
        expect([route, status, code]).toEqual([route, 403, 'NOT_AUTHORIZED']);
      else
        expect([route, status === 401 || status === 500 || code === 'NOT_AUTHORIZED']).toEqual([
          route,
          false,
        ]);
    }
  });

  it.each([
    ['a request of a page of another origin', { 'x-ringfleet-csrf': '1', origin: 'https://evil.test' }],
    ['a request of a sandboxed page', { 'x-ringfleet-csrf': '1', origin: 'null' }],
    ['a request of another site', { 'x-ringfleet-csrf': '1', 'sec-fetch-site': 'cross-site' }],
    ['a request of another host of this site', { 'x-ringfleet-csrf': '1', 'sec-fetch-site': 'same-site' }],
  ])('%s', async (_case, headers) => {
    const session = await sessionOf('admin');
    for (const route of routes.filter(({ role }) => role !== 'none')) {
      // fetch sets sec-fetch-site itself where the header is not given; inject sends exactly these.
      const response = await people.ask(route.method as 'GET', route.path, undefined, {
        ...session,
        ...headers,
      });
      expect([route, response.json()]).toMatchObject([route, { status: 403, code: 'CROSS_SITE_REQUEST' }]);
    }
  });

  it('a form of another site, sent with the cookie', async () => {
    const session = await sessionOf('admin');
    for (const route of routes.filter(({ method, role }) => role !== 'none' && method !== 'GET')) {
      const response = await people.ask(route.method as 'POST', route.path, undefined, session);
      expect([route, response.json()]).toMatchObject([route, { code: 'CROSS_SITE_REQUEST' }]);
    }
  });

  it('a sign-in that another site sends for somebody else', async () => {
    const token = (await apiToken('viewer')).slice('Bearer '.length);
    const body = { token };
    expect((await people.ask('POST', '/api/v1/session', body, MARK)).statusCode).toBe(201);
    for (const headers of [
      {},
      { ...MARK, origin: 'https://evil.test' },
      { ...MARK, 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      const response = await people.ask('POST', '/api/v1/session', body, headers);
      expect(response.json()).toMatchObject({ code: 'CROSS_SITE_REQUEST' });
      expect(response.headers['set-cookie']).toBeUndefined();
    }
  });

  it('a body as a form can send it', async () => {
    const authorization = await apiToken('admin');
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { authorization, 'content-type': type };
      const response = await people.ask('POST', '/api/v1/tokens/api', '{"name":"x","role":"admin"}', headers);
      expect([type, response.json()]).toMatchObject([type, { status: 415, code: 'CONTENT_TYPE_UNKNOWN' }]);
    }
  });

  it('answers no page of another origin with a permission to read', async () => {
    for (const route of routes) {
      const headers = { origin: 'https://evil.test', 'access-control-request-method': route.method };
      for (const method of ['OPTIONS', route.method] as 'GET'[]) {
        const response = await people.ask(method, route.path, undefined, headers);
        expect([route, response.headers['access-control-allow-origin']]).toEqual([route, undefined]);
      }
    }
  });

  it('keys of __proto__ in a request', async () => {
    const headers = { authorization: await apiToken('admin'), 'content-type': 'application/json' };
    const before = await people.stores.audit.head();
    for (const text of [
      '{"name":"p","role":"viewer","__proto__":{"role":"admin"}}',
      '{"name":"p","role":"viewer","constructor":{"prototype":{"role":"admin"}}}',
    ]) {
      const response = await people.ask('POST', '/api/v1/tokens/api', text, headers);
      expect([400, response.statusCode]).toEqual([response.statusCode, 400]);
      expect(['NOT_JSON', 'API_REQUEST_INVALID']).toContain(response.json().code);
    }
    expect(await people.stores.audit.head()).toEqual(before);
    expect(({} as Record<string, unknown>)['role']).toBeUndefined();
  });
});
