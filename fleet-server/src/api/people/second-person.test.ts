import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../../ports/log.ts';
import { DIGEST_1, enrolled, releaseOf } from '../../ports/stores.contract.ts';
import { tickAll } from '../../rollout-engine/engine.ts';
import { hashSecret } from '../credentials.ts';
import { ADMIN, CHANGE, NOW_MS, openPeople, type PeopleFixture } from '../people-fixture.ts';

type Headers = Record<string, string>;
const RING = { ring: 'canary', bake: '5s', deadline: '10m', minProven: 1, approval: true };

let people: PeopleFixture;
let ada: Headers;
let bob: Headers;
beforeEach(async () => {
  people = await openPeople();
  const { stores } = people;
  await enrolled(stores, 'c');
  await stores.releases.add(releaseOf('1.0.0', DIGEST_1), Buffer.from('{}'), CHANGE);
  await ask('PUT', 'rings/canary', ADMIN, { ordinal: 1, devices: ['c'] });
  await stores.people.createFirst({ name: 'ada', password: 'p' }, NOW_MS);
  ada = await login('ada');
  await ask('POST', 'people', ada, { name: 'bob', role: 'admin' });
  bob = await login('bob');
});
afterEach(() => people.close());

const ask = (method: 'GET' | 'PUT' | 'POST', path: string, headers: Headers, body?: unknown) =>
  people.ask(method, `/api/v1/${path}`, body, headers);
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

/** As `ringfleet login` leaves it. */
async function login(person: string): Promise<Headers> {
  const secret = `rfa_login-of-${person}`;
  const token = { name: `login-${person}`, secretHash: hashSecret(secret), role: 'admin' as const, person };
  await people.stores.tokens.createApi({ ...token, expiresAtMs: null }, CHANGE);
  return bearer(secret);
}

async function machineToken(name: string, madeBy: Headers): Promise<Headers> {
  const made = await ask('POST', 'tokens/api', madeBy, { name, role: 'admin' });
  return bearer(made.json<{ token: string }>().token);
}

const start = (headers: Headers, changes: object = {}) => {
  const soak = { for: '1s', minInferences: 1, deadline: '1m' };
  const plan = { soak, rings: [{ ...RING, ...changes }] };
  return ask('POST', 'rollouts', headers, { model: 'tiny', version: '1.0.0', plan });
};

/** A rollout whose gate waits for a person. */
async function waiting(headers: Headers): Promise<string> {
  const { id } = (await start(headers)).json<{ id: string }>();
  await tickAll({ stores: people.stores, clock: () => NOW_MS, log: SILENT, tickMs: 1 });
  const found = await people.stores.rollouts.get(id);
  const [ring] = found?.rings ?? [];
  if (!found || !ring) throw new Error('no rollout');
  const counts = { members: 1, executed: 1, proven: 1, exercised: 1, failed: 0, regressed: 0 };
  const gate = {
    verdict: 'INCONCLUSIVE',
    code: 'GATE_NEEDS_APPROVAL',
    sentence: 's',
    claim: 'c',
    atMs: NOW_MS,
    counts: { ...counts, unreached: 0, incompatible: 0, infra: 0 },
  } as const;
  await people.stores.rollouts.save({ ...found, rings: [{ ...ring, gate }] }, [], [], CHANGE);
  return id;
}
const approve = (id: string, headers: Headers) => ask('POST', `rollouts/${id}/approve`, headers);

describe('an approval', () => {
  it('is given by somebody else, by their token as well', async () => {
    const first = await approve(await waiting(ada), bob);
    expect([first.statusCode, first.json().rings[0].approvedBy]).toEqual([200, 'bob']);
    const own = await machineToken('ci-of-ada', ada);
    expect((await approve(await waiting(own), await machineToken('ci-of-bob', bob))).statusCode).toBe(200);
  });

  it.each([
    ['a rollout started with an own token, approved under the own name', 'token', 'name'],
    ['a rollout started under the own name, approved with an own token', 'name', 'token'],
    ['a rollout started and approved with two own tokens', 'token', 'other'],
    ['a rollout approved with a token that an own token made', 'name', 'second hand'],
    ['a rollout approved with an own token that has the name of somebody else', 'name', 'called bob'],
    ['a rollout approved with the token of the data folder', 'name', 'admin'],
    ['a rollout approved with a token that the one of the data folder made', 'name', 'admin made'],
    ['a rollout approved in a browser that an own token opened', 'name', 'session'],
  ])('%s', async (_case, starter, approver) => {
    const token = await machineToken('ci', ada);
    const session = await people.ask(
      'POST',
      '/api/v1/session',
      { token: token['authorization']?.slice('Bearer '.length) },
      { 'x-ringfleet-csrf': '1' },
    );
    const cookie = String(session.headers['set-cookie']).split(';')[0] ?? '';
    const by: Record<string, Headers> = {
      name: ada,
      token,
      other: await machineToken('ci-2', ada),
      'second hand': await machineToken('ci-3', token),
      'called bob': await machineToken('bob', ada),
      admin: ADMIN,
      'admin made': await machineToken('ci-4', ADMIN),
      session: { cookie, 'x-ringfleet-csrf': '1' },
    };
    const id = await waiting(by[starter] ?? {});
    const before = await people.stores.rollouts.get(id);
    const audit = await people.stores.audit.head();
    const response = await approve(id, by[approver] ?? {});
    expect(response.json()).toMatchObject({ status: 409, code: 'SECOND_PERSON_NEEDED' });
    expect(await people.stores.rollouts.get(id)).toEqual(before);
    expect(await people.stores.audit.head()).toEqual(audit);
  });

  it('can be asked for by persons only, so that there is a second one', async () => {
    const refused = await start(ADMIN);
    expect(refused.json()).toMatchObject({ status: 403, code: 'PERSON_NEEDED' });
    expect((await people.stores.rollouts.list({ limit: 9 })).items).toEqual([]);
    expect((await start(ADMIN, { approval: false })).statusCode).toBe(201);
  });
});
