import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ADMIN_TOKEN,
  CHANGE,
  NOW_MS,
  openPeople,
  type PeopleFixture,
  publishTrust,
} from '../api/people-fixture.ts';
import { SILENT } from '../ports/log.ts';
import { DIGEST_1, DIGEST_2, enrolled, releaseOf } from '../ports/stores.contract.ts';
import { tickAll } from '../rollout-engine/engine.ts';
import { runProgram } from './main-program.ts';
import { registerOperateCommands } from './operate-commands.ts';

const PLAN = `
apiVersion: ringfleet/v1
kind: RolloutPlan
metadata: { name: quick }
spec:
  soak: { for: 1s, minInferences: 1, deadline: 1m }
  rings:
    - { ring: canary, bake: 1s, deadline: 1m, maxFailures: 0 }
`;

let people: PeopleFixture;
let url: string;
let planFile: string;
beforeEach(async () => {
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(people.app.server.address() as AddressInfo).port}`;
  planFile = join(tmpdir(), `plan-${randomUUID()}.yaml`);
  await writeFile(planFile, PLAN);
  await enrolled(people.stores, 'c');
  await people.stores.releases.add(releaseOf('1.0.0', DIGEST_1), Buffer.from('{}'), CHANGE);
  await people.stores.releases.add(releaseOf('1.1.0', DIGEST_2), Buffer.from('{}'), CHANGE);
});
afterEach(async () => {
  await people.close();
  await rm(planFile, { force: true });
});

async function ringfleet(...args: string[]) {
  let out = '';
  let err = '';
  const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const env = { RINGFLEET_URL: url, RINGFLEET_TOKEN: ADMIN_TOKEN, HOME: '/nowhere' };
  const signal = new AbortController().signal;
  const code = await runProgram([registerOperateCommands], args, env, streams, signal);
  return { code, out, err };
}
const tick = () => tickAll({ stores: people.stores, clock: () => NOW_MS, log: SILENT, tickMs: 1 });

describe('terms', () => {
  it('go with a release to a ring, replace those of before, and are shown for its devices', async () => {
    await setCanary();
    const terms = 'window: { cron: "0 2 * * *", timeZone: UTC, grace: 1h }\nmaxBytesPerSecond: 100000\n';
    await writeFile(planFile, terms);
    const assigned = await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0', '--terms', planFile, '--hold');
    expect(assigned).toMatchObject({ code: 0, err: '' });
    const { out } = await ringfleet('device', 'show', 'c');
    expect(out).toContain('hold');
    expect(out).toContain('maxBytesPerSecond 100000');
    await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0');
    expect((await ringfleet('device', 'show', 'c')).out).not.toContain('terms');
  });

  it('that no device could read are refused with their place', async () => {
    await setCanary();
    await writeFile(planFile, 'window: { cron: "0 25 * * *", timeZone: UTC, grace: 1h }\n');
    const { code, err } = await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0', '--terms', planFile);
    expect(code).toBe(2);
    expect(err).toContain('body/terms/window');
  });
});

it('holds a device, says so wherever it is shown, and lets it go on', async () => {
  await setCanary();
  await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0');
  expect((await ringfleet('device', 'hold', 'c', '--reason', 'a fair')).out).toContain('c is held: a fair.');
  expect((await ringfleet('device', 'show', 'c')).out).toMatch(/held by .*: a fair/);
  expect((await ringfleet('device', 'release', 'c')).out).toContain('Updates of c go on.');
  expect((await ringfleet('device', 'show', 'c')).out).not.toContain('held by');
});

const setCanary = () => ringfleet('ring', 'set', 'canary', '--order', '1', '--device', 'c');

describe('ringfleet ring', () => {
  it('sets, lists and assigns rings', async () => {
    expect((await setCanary()).out).toBe('Ring canary takes c: 1 device now, 0 connected.\n');
    const assigned = await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0', '--soak', '6s');
    expect(assigned.out).toContain('Ring canary is to run tiny 1.0.0');
    const { out } = await ringfleet('ring', 'list');
    expect(out).toMatch(/^ORDER +RING .*\n1 +canary +1 +0 +c +tiny@1\.0\.0\n$/);
    expect(await people.stores.rings.assignments()).toMatchObject([{ soak: { soakMs: 6_000 } }]);
  });

  it('takes shares in percent and previews who would be there', async () => {
    await ringfleet('ring', 'set', 'tenth', '--order', '2', '--share', '10%', '--selector', 'site=a');
    expect(await people.stores.rings.list()).toMatchObject([{ shareBasisPoints: 1_000, selector: 'site=a' }]);
    const { out } = await ringfleet('ring', 'preview', '--selector', 'site=a', '--json');
    expect(JSON.parse(out)).toMatchObject({ matches: 1, of: 1, devices: [{ id: 'c' }] });
  });

  it.each([
    [['ring', 'set', 'x', '--order', 'one'], 'USAGE_INVALID'],
    [['ring', 'set', 'x', '--order', '1', '--share', '5'], 'USAGE_INVALID'],
    [['ring', 'set', 'x'], 'USAGE_INVALID'],
    [['ring', 'assign', 'canary', 'tiny'], 'USAGE_INVALID'],
    [['ring', 'set', 'x', '--order', '1', '--selector', 'a in b'], 'SELECTOR_INVALID'],
    [['rollout', 'abort', '01980000-0000-7000-8000-000000000001'], 'USAGE_INVALID'],
    [['rollout', 'start', 'tiny@1.1.0', '--plan', '/nowhere.yaml'], 'FILE_UNREADABLE'],
    [['token', 'create', 't', '--label', 'site'], 'USAGE_INVALID'],
  ])('%j ends with %s', async (args, code) => {
    const { code: exit, err, out } = await ringfleet(...args);
    expect([exit > 0, out]).toEqual([true, '']);
    expect(err).toContain(code);
  });
});

describe('ringfleet rollout', () => {
  it('starts from a plan file, shows, explains and takes orders', async () => {
    await setCanary();
    const started = await ringfleet('rollout', 'start', 'tiny@1.1.0', '--plan', planFile, '--json');
    expect(started).toMatchObject({ code: 0, err: '' });
    const { id } = JSON.parse(started.out) as { id: string };
    await tick();
    await tick();
    expect((await ringfleet('rollout', 'status', id)).out).toMatch(/canary +open +0\/1 .*GATE_UNREACHED/);
    expect((await ringfleet('rollout', 'explain', id)).out).toContain('c, OFFLINE');
    expect((await ringfleet('rollout', 'pause', id)).out).toContain('paused');
    expect((await ringfleet('rollout', 'resume', id)).out).toContain('running');
    expect((await ringfleet('rollout', 'status')).out).toContain('tiny@1.1.0  running');
    expect((await ringfleet('rollout', 'abort', id, '--keep')).out).toContain('aborted');
    expect(await ringfleet('rollout', 'abort', id, '--keep')).toMatchObject({ code: 5 });
  });

  it('follows with --watch and tells by its exit code that a rollout did not complete', async () => {
    await setCanary();
    const watching = ringfleet('rollout', 'start', 'tiny@1.1.0', '--plan', planFile, '--watch');
    const [rollout] = await vi.waitUntil(async () => {
      const { items } = await people.stores.rollouts.list({ limit: 1 });
      return items.length > 0 && items;
    });
    await ringfleet('rollout', 'abort', rollout?.id ?? '', '--keep');
    const { code, err, out } = await watching;
    expect(code).toBe(5);
    expect(err).toContain('ROLLOUT_ABORTED');
    expect(out).toContain('aborted');
  });

  it('names the line of a plan file that is no YAML, and the field of one that is no plan', async () => {
    await writeFile(planFile, 'kind: [unclosed\n');
    expect((await ringfleet('rollout', 'start', 'tiny@1.1.0', '--plan', planFile)).err).toContain('line');
    await writeFile(planFile, PLAN.replace('bake: 1s', 'bake: soon'));
    const { err } = await ringfleet('rollout', 'start', 'tiny@1.1.0', '--plan', planFile);
    expect(err).toContain('/spec/rings/0/bake');
    expect(err).toContain('PLAN_INVALID');
  });
});

describe('ringfleet device and token', () => {
  it('lists devices and shows one with its reasons', async () => {
    await setCanary();
    await ringfleet('ring', 'assign', 'canary', 'tiny@1.0.0');
    expect((await ringfleet('device', 'list', '--ring', 'canary')).out).toMatch(
      /c +canary +no +tiny@- +OFFLINE/,
    );
    const { out } = await ringfleet('device', 'show', 'c');
    expect(out).toContain('OFFLINE: The device is offline; it takes 1.0.0 up on its next contact.');
  });

  it('prints a token alone on stdout', async () => {
    await publishTrust(people);
    const { code, out } = await ringfleet(
      'token',
      'create',
      'hall',
      '--label',
      'site=b',
      '--uses',
      '3',
      '--expires',
      '2h',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^rfe1\.[A-Za-z0-9_-]+\n$/);
    expect((await people.stores.tokens.listEnrollment({ limit: 9 })).items).toMatchObject([
      { name: 'hall', usesLeft: 3, labels: { site: 'b' }, expiresAtMs: NOW_MS + 7_200_000 },
      { name: 'c' },
    ]);
  });
});
