import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, openPeople, type PeopleFixture } from '../api/people-fixture.ts';
import type { RegisterCommands } from './context.ts';
import { runProgram } from './main-program.ts';

let people: PeopleFixture;
let home: string;
let url: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ringfleet-cli-'));
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await people.close();
  await rm(home, { recursive: true, force: true });
});

/** Verbs that do one thing each. */
const verbs: RegisterCommands = (program, context) => {
  const thing = program.command('thing');
  thing
    .command('show')
    .action(async () => context().print(await context().request('GET', 'overview'), 'an overview'));
  thing.command('get <path>').action(async (path: string) => void (await context().request('GET', path)));
  thing
    .command('make')
    .action(async () => void (await context().request('POST', 'tokens/api', { name: 'x', role: 'viewer' })));
  thing.command('wait').action(async () => {
    const { signal } = context();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  thing.command('ask').action(async () => context().confirm('Really?'));
  thing.command('distrust').action(async () => {
    throw new CodedError('SIGNATURE_INVALID', 'the metadata was altered');
  });
  thing.command('break').action(async () => {
    throw new Error('a bug');
  });
};

async function run(
  args: readonly string[],
  env: Record<string, string> = {},
  interrupt = new AbortController().signal,
) {
  let [out, err] = ['', ''];
  const streams = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const known = { HOME: home, RINGFLEET_URL: url, RINGFLEET_TOKEN: ADMIN_TOKEN };
  const code = await runProgram([verbs], args, { ...known, ...env }, streams, interrupt);
  return { code, out, err };
}

describe('ringfleet', () => {
  it('prints results on stdout, as text or as JSON', async () => {
    expect(await run(['thing', 'show'])).toEqual({ code: 0, out: 'an overview\n', err: '' });
    const { out } = await run(['thing', 'show', '--json']);
    expect(JSON.parse(out)).toMatchObject({ fleet: 'test' });
  });

  it("shows the server's own code, its detail and what to do", async () => {
    const { code, out, err } = await run(['thing', 'get', 'devices/d9']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('no device d9');
    expect(err).toContain('ringfleet device list');
    expect(err.trimEnd().split('\n').at(-1)).toBe('DEVICE_UNKNOWN');
  });

  it.each([
    ['usage', ['thing', 'dance'], {}, 2, 'USAGE_INVALID'],
    ['a flag nobody knows', ['thing', 'show', '--fast'], {}, 2, 'USAGE_INVALID'],
    ['a bad duration', ['--timeout', 'soon', 'thing', 'show'], {}, 2, 'USAGE_INVALID'],
    ['a wrong token', ['thing', 'show'], { RINGFLEET_TOKEN: 'rfa_wrong' }, 2, 'NOT_AUTHENTICATED'],
    ['trust', ['thing', 'distrust'], {}, 3, 'SIGNATURE_INVALID'],
    ['nobody there', ['thing', 'show'], { RINGFLEET_URL: 'http://127.0.0.1:9' }, 4, 'SERVER_UNREACHABLE'],
    ['the deadline', ['thing', 'wait', '--timeout', '20ms'], {}, 4, 'CLI_TIMEOUT'],
    ['a bug', ['thing', 'break'], {}, 1, 'CLI_INTERNAL'],
    ['a question to nobody', ['thing', 'ask'], {}, 2, 'CONFIRMATION_NEEDED'],
    [
      'a token in the clear',
      ['thing', 'show'],
      { RINGFLEET_URL: 'http://fleet.test' },
      2,
      'SERVER_URL_INVALID',
    ],
  ])('ends on %s with its exit code', async (_case, args, env, code, word) => {
    const ended = await run(args, env as unknown as Record<string, string>);
    expect(ended.err).toContain(word);
    expect([ended.code, ended.out]).toEqual([code, '']);
  });

  it('ends on a conflict with 5', async () => {
    expect((await run(['thing', 'make'])).code).toBe(0);
    expect(await run(['thing', 'make'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('TOKEN_EXISTS'),
    });
  });

  it('ends with 130 when it is interrupted', async () => {
    const interrupt = new AbortController();
    const ended = run(['thing', 'wait'], {}, interrupt.signal);
    interrupt.abort(new CodedError('CANCELLED'));
    expect((await ended).code).toBe(130);
  });

  it('changes nothing with --dry-run and shows what it would send', async () => {
    const { code, err } = await run(['thing', 'make', '--dry-run']);
    expect([code, err]).toEqual([0, expect.stringContaining('POST tokens/api {"name":"x","role":"viewer"}')]);
    expect((await run(['thing', 'make'])).code).toBe(0);
  });

  it('prints errors as JSON for programs', async () => {
    const { err } = await run(['thing', 'get', 'devices/d9', '--json']);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'DEVICE_UNKNOWN', remedy: expect.any(String) } });
  });

  it('helps on stdout', async () => {
    const { code, out } = await run(['--help']);
    expect([code, out]).toEqual([0, expect.stringContaining('NOUN VERB')]);
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the profile file', () => {
  const file = () => join(home, '.config', 'ringfleet', 'cli.yaml');
  const write = async (text: string, mode = 0o600) => {
    await mkdir(join(home, '.config', 'ringfleet'), { recursive: true });
    await writeFile(file(), text);
    await chmod(file(), mode);
  };
  const bare = { RINGFLEET_URL: '', RINGFLEET_TOKEN: '' };

  it('gives address and token where neither flag nor environment do', async () => {
    await write(`default: here\nprofiles:\n  here: {url: '${url}', token: ${ADMIN_TOKEN}}\n`);
    expect((await run(['thing', 'show'], bare)).code).toBe(0);
    expect((await run(['thing', 'show', '--profile', 'there'], bare)).err).toContain('PROFILE_UNKNOWN');
  });

  it('is not used when others may read it, or when it has an unknown key', async () => {
    await write('profiles: {}', 0o644);
    expect((await run(['thing', 'show'], bare)).err).toContain('CLI_CONFIG_UNSAFE');
    await write('profiles: {here: {urll: x}}');
    expect((await run(['thing', 'show'], bare)).err).toContain('CLI_CONFIG_INVALID');
  });

  it('is not needed, but an address and a token are', async () => {
    expect((await run(['thing', 'show'], bare)).err).toContain('SERVER_URL_MISSING');
    expect((await run(['thing', 'show'], { RINGFLEET_TOKEN: '' })).err).toContain('TOKEN_MISSING');
  });
});
