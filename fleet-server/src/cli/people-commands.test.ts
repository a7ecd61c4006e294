import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, openPeople, type PeopleFixture } from '../api/people-fixture.ts';
import { runProgram } from './main-program.ts';
import { registerOperateCommands } from './operate-commands.ts';
import { registerPeopleCommands } from './people-commands.ts';

const PAGE = { 'x-ringfleet-csrf': '1' };
const PASSWORD = 'correct horse battery';

let people: PeopleFixture;
let home: string;
let url: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ringfleet-login-'));
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
  const body = { code: people.setup.make(), name: 'ada', password: PASSWORD };
  await people.ask('POST', '/api/v1/setup', body, PAGE);
});
afterEach(async () => {
  await people.close();
  await rm(home, { recursive: true, force: true });
});

async function run(args: readonly string[], more: Record<string, string> = {}) {
  let [out, err] = ['', ''];
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const env = { HOME: home, ...more };
  const families = [registerOperateCommands, registerPeopleCommands];
  const code = await runProgram(families, args, env, streams, new AbortController().signal);
  return { code, out, err };
}
const asAdmin = (...args: string[]) => run(args, { RINGFLEET_URL: url, RINGFLEET_TOKEN: ADMIN_TOKEN });

describe('ringfleet login', () => {
  const file = () => join(home, '.config', 'ringfleet', 'cli.yaml');
  const login = (password: string, ...flags: string[]) =>
    run(['login', '--name', 'ada', '--server', url, ...flags], { RINGFLEET_PASSWORD: password });

  it('keeps a token that only its owner can read, and later commands need nothing else', async () => {
    expect(await login(PASSWORD)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Signed in as ada (admin)'),
    });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await readFile(file(), 'utf8')).not.toContain(PASSWORD);
    expect((await run(['people', 'list'])).out).toMatch(/ada +admin +password/);
  });

  it('adds a profile beside those that are there', async () => {
    await login(PASSWORD);
    await writeFile(file(), `# mine\n${await readFile(file(), 'utf8')}`, { mode: 0o600 });
    expect((await login(PASSWORD, '--profile', 'second')).code).toBe(0);
    const text = await readFile(file(), 'utf8');
    expect(text).toMatch(/# mine\n[\s\S]*main:[\s\S]*second:[\s\S]*default: main/);
    expect((await run(['people', 'list', '--profile', 'second'])).code).toBe(0);
  });

  it('writes nothing when the password is wrong', async () => {
    expect(await login('wrong')).toMatchObject({ code: 2, err: expect.stringContaining('SIGN_IN_REFUSED') });
    await expect(stat(file())).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('ringfleet people', () => {
  it('invites, changes, resets and removes', async () => {
    const made = await asAdmin('people', 'create', 'bob', '--role', 'operator');
    expect(made.out).toMatch(/^https:\/\/fleet\.test:8443\/invitation\?code=[\w-]+\n$/);
    expect((await asAdmin('people', 'set-role', 'bob', 'viewer')).out).toBe('bob is viewer now.\n');
    expect((await asAdmin('people', 'reset', 'bob', '--yes')).out).not.toBe(made.out);
    expect((await asAdmin('people', 'list')).out).toMatch(/bob +viewer +invited +never/);
    expect((await asAdmin('people', 'remove', 'bob', '--yes')).code).toBe(0);
    const last = await asAdmin('people', 'remove', 'ada', '--yes');
    expect([last.code, last.err]).toEqual([5, expect.stringContaining('LAST_ADMIN')]);
    expect(await asAdmin('people', 'set-role', 'ada', 'king')).toMatchObject({ code: 2 });
  });

  it('says which tokens of scripts end with a person, before and after', async () => {
    await asAdmin('people', 'create', 'eve', '--role', 'admin');
    const change = { by: { kind: 'person', name: 'eve', role: 'admin' }, atMs: 1 } as const;
    const ci = { name: 'ci', secretHash: 'aa', role: 'viewer', expiresAtMs: null } as const;
    await people.stores.tokens.createApi(ci, change);
    const removed = await asAdmin('people', 'remove', 'Eve', '--yes');
    expect(removed.out).toBe('Eve is removed. These tokens of scripts end with them: ci.\n');
    expect((await asAdmin('token', 'api', 'list')).out).not.toContain('ci ');
  });
});

describe('ringfleet token api', () => {
  it('makes, lists and revokes a token', async () => {
    const { out } = await asAdmin('token', 'api', 'create', 'ci', '--role', 'viewer');
    const env = { RINGFLEET_URL: url, RINGFLEET_TOKEN: out.trim() };
    expect((await run(['audit', 'list'], env)).code).toBe(0);
    expect((await asAdmin('token', 'api', 'list')).out).toMatch(
      /ci +viewer +- +admin +2030-04-01\S+ +2030-01-01/,
    );
    expect((await asAdmin('token', 'api', 'revoke', 'ci', '--yes')).code).toBe(0);
    expect(await run(['audit', 'list'], env)).toMatchObject({ code: 2 });
  });
});

describe('ringfleet audit', () => {
  it('lists, verifies, and compares with a copy kept elsewhere', async () => {
    expect((await asAdmin('audit', 'list')).out).toMatch(/person:ada +person\.setUp +ada/);
    await people.auditTrail.checkpoint();
    const copy = join(home, 'copy.jsonl');
    await writeFile(copy, (await asAdmin('audit', 'checkpoints')).out);
    const whole = await asAdmin('audit', 'verify', '--checkpoints', copy);
    expect(whole).toMatchObject({ code: 0, out: expect.stringMatching(/^All \d+ rows fit/) });
    await writeFile(copy, (await readFile(copy, 'utf8')).replace(/"hash":"../, '"hash":"00'));
    const other = await asAdmin('audit', 'verify', '--checkpoints', copy);
    expect([other.code, other.err]).toEqual([3, expect.stringContaining('AUDIT_REWRITTEN')]);
  });
});
