import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ADMIN_TOKEN, openPeople, type PeopleFixture } from '../api/people-fixture.ts';
import { runProgram } from './main-program.ts';
import { registerOperateCommands } from './operate-commands.ts';

let people: PeopleFixture;
let url: string;
beforeEach(async () => {
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
});
afterEach(() => people.close());

async function run(...args: string[]) {
  let [out, err] = ['', ''];
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const env = { RINGFLEET_URL: url, RINGFLEET_TOKEN: ADMIN_TOKEN };
  const code = await runProgram(
    [registerOperateCommands],
    ['webhook', ...args],
    env,
    streams,
    new AbortController().signal,
  );
  return { code, out, err };
}

it('makes, lists, tests, reads the log of, and deletes a webhook', async () => {
  expect((await run('list')).out).toBe('There are no webhooks.\n');
  const made = await run('set', 'chat', 'https://localhost:8443/x', '--kind', 'rollout', '--kind', 'trust');
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^whsec_\S+\n$/)]);
  expect((await run('list')).out).toMatch(
    /chat +rollout,trust +0 +nothing sent yet +https:\/\/localhost:8443/,
  );
  expect((await run('set', 'chat', 'https://localhost:8443/y')).out).toBe(
    'chat is changed; its secret stays.\n',
  );
  const test = await run('test', 'chat');
  expect([test.code, test.err]).toEqual([2, expect.stringContaining('WEBHOOK_ADDRESS_FORBIDDEN')]);
  expect((await run('log', 'chat')).out).toMatch(/WEBHOOK_TEST +failed WEBHOOK_ADDRESS_FORBIDDEN +1/);
  expect((await run('delete', 'chat', '--yes')).out).toBe('chat is deleted.\n');
  expect(await run('test', 'chat')).toMatchObject({
    code: 2,
    err: expect.stringContaining('WEBHOOK_UNKNOWN'),
  });
  expect((await run('set', 'chat', 'http://x.test/')).err).toContain('WEBHOOK_URL_INVALID');
});
