import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allows } from '../core/roles.ts';
import { guardRoutes } from './access.ts';
import { openPeople, type PeopleFixture } from './people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

describe('access', () => {
  it('refuses an unknown token with a problem that says what to do', async () => {
    const response = await people.ask('GET', '/api/v1/devices', undefined, { authorization: 'Bearer wrong' });
    expect(response.statusCode).toBe(401);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.headers['www-authenticate']).toContain('Bearer');
    expect(response.json()).toMatchObject({
      status: 401,
      code: 'NOT_AUTHENTICATED',
      remedy: expect.stringContaining('Bearer'),
    });
  });

  it('lets a viewer look and change nothing', async () => {
    const viewer = await people.as('viewer');
    expect((await people.ask('GET', '/api/v1/overview', undefined, viewer)).statusCode).toBe(200);
    for (const [method, path] of [
      ['PATCH', '/api/v1/devices/d1'],
      ['POST', '/api/v1/releases'],
      ['PUT', `/api/v1/artifacts/sha256/${'0'.repeat(64)}`],
      ['POST', '/api/v1/tokens/api'],
      ['GET', '/api/v1/tokens/enrollment'],
    ] as const) {
      const response = await people.ask(method, path, {}, viewer);
      expect([method, path, response.json().code]).toEqual([method, path, 'NOT_AUTHORIZED']);
    }
  });

  it('gives each role what the ones below it may', () => {
    expect(allows('operator', 'publisher')).toBe(false);
    expect(allows('publisher', 'operator')).toBe(true);
    expect(allows('admin', 'publisher')).toBe(true);
    expect(allows('viewer', 'operator')).toBe(false);
  });

  it('does not start with a route that declares no role', async () => {
    const app = fastify();
    guardRoutes(app, async () => null);
    app.get('/open', async () => 'to everybody');
    await expect(app.ready()).rejects.toThrow('GET /open declares no role');
  });

  it('answers what nobody knows with a problem too', async () => {
    for (const path of ['/api/v1/nothing', '/api/nothing', '/device/v1/nothing']) {
      const response = await people.ask('GET', path);
      expect(response.json()).toMatchObject({ status: 404, code: 'API_ROUTE_UNKNOWN' });
    }
    expect((await people.ask('POST', '/nothing', {})).json()).toMatchObject({
      status: 404,
      code: 'API_ROUTE_UNKNOWN',
    });
  });

  it('is healthy without credentials', async () => {
    expect((await people.app.inject('/healthz')).json()).toEqual({ ok: true });
  });
});
