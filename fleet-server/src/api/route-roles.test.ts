import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../core/domain.ts';
import { allows, ROLES } from '../core/roles.ts';
import { openPeople, type PeopleFixture } from './people-fixture.ts';

/** What may be asked without credentials. A new route that is open to all has to be written down here. */
const OPEN = [
  'GET /api/v1/session/ways',
  'POST /api/v1/session',
  'POST /api/v1/session/token',
  'POST /api/v1/setup',
  'POST /api/v1/invitation',
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

describe('every described route', () => {
  it('declares a role, and only the ways in need none', () => {
    expect(routes.length).toBeGreaterThan(30);
    const open = routes.filter(({ role }) => role === 'none').map(({ method, path }) => `${method} ${path}`);
    expect(open.toSorted()).toEqual(OPEN.toSorted());
    expect(routes.filter(({ role }) => role !== 'none' && !ROLES.includes(role))).toEqual([]);
  });

  it('is refused without credentials, with unknown and with expired ones', async () => {
    const expired = await apiToken('admin', 1_000);
    const session = await sessionOf('admin');
    people.pass(2 * DAY_MS);
    const closed = routes.filter(({ role }) => role !== 'none');
    for (const route of closed) {
      for (const headers of [
        {},
        { authorization: 'Bearer rfa_wrong' },
        { authorization: 'Basic YWRtaW46YWRtaW4=' },
        { authorization: expired },
        { ...session, 'x-ringfleet-csrf': '1' },
      ] as Record<string, string>[]) {
        const { status, code } = await ask(route, headers);
        expect([route, status, code]).toEqual([route, 401, 'NOT_AUTHENTICATED']);
      }
    }
  });

  it.each(ROLES)('asks of a %s no more and no less than its role', async (role) => {
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
    ['another origin', { 'x-ringfleet-csrf': '1', origin: 'https://evil.test' }],
    ['a sandboxed page', { 'x-ringfleet-csrf': '1', origin: 'null' }],
    ['another site', { 'x-ringfleet-csrf': '1', 'sec-fetch-site': 'cross-site' }],
    ['another host of this site', { 'x-ringfleet-csrf': '1', 'sec-fetch-site': 'same-site' }],
  ])('refuses a browser session from %s', async (_case, headers) => {
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

  it('changes nothing by cookie without the mark of the page', async () => {
    const session = await sessionOf('admin');
    for (const route of routes.filter(({ method, role }) => role !== 'none' && method !== 'GET')) {
      const response = await people.ask(route.method as 'POST', route.path, undefined, session);
      expect([route, response.json()]).toMatchObject([route, { code: 'CROSS_SITE_REQUEST' }]);
    }
  });
});
