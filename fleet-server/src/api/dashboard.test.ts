import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PAGE_CSP } from './dashboard.ts';
import { openPeople, type PeopleFixture } from './people-fixture.ts';

let folder: string;
let people: PeopleFixture;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-dashboard-'));
  await mkdir(join(folder, 'web', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'not for the web');
  await writeFile(join(folder, 'web', 'index.html'), '<!doctype html>the page');
  await writeFile(join(folder, 'web', 'assets', 'app-1a2b.js'), 'export {};');
  people = await openPeople({ dashboardDir: join(folder, 'web') });
});
afterEach(async () => {
  await people.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string) => people.app.inject(path);

describe('the dashboard', () => {
  it.each(['/', '/devices/d1'])('shows the page at %s under a strict policy', async (path) => {
    const response = await get(path);
    expect([response.statusCode, response.body]).toEqual([200, '<!doctype html>the page']);
    expect(response.headers).toMatchObject({
      'content-security-policy': PAGE_CSP,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(PAGE_CSP).not.toContain('unsafe');
  });

  it('lets browsers keep files that are named after their content', async () => {
    const response = await get('/assets/app-1a2b.js');
    expect(response.headers['cache-control']).toContain('immutable');
    expect(response.headers['content-type']).toContain('javascript');
  });

  it.each([
    '/assets/gone.js',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/%ff',
  ])('has nothing at %s', async (path) => {
    const response = await get(path);
    expect(response.body).not.toContain('not for the web');
    expect(response.statusCode).not.toBe(500);
  });

  it('says how to build it where it is not built', async () => {
    const bare = await openPeople();
    expect((await bare.app.inject('/')).body).toContain('npm run build');
    await bare.close();
  });
});

describe('the documentation', () => {
  it('comes from this server alone', async () => {
    const page = await get('/api/docs');
    expect(page.statusCode).toBe(200);
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect(link).not.toMatch(/^(https?:)?\/\//);
    for (const link of links) {
      const url = new URL(link, 'http://localhost/api/docs');
      expect([link, (await get(url.pathname)).statusCode]).toEqual([link, 200]);
    }
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
  });

  it('is the same document everywhere', async () => {
    const spec = (await get('/api/v1/openapi.json')).json();
    expect(spec).toMatchObject({ openapi: '3.1.0', info: { title: 'Ringfleet' } });
    expect((await get('/api/docs/json')).json()).toEqual(spec);
  });
});
