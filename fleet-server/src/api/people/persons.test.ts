import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPeople, type PeopleFixture } from '../people-fixture.ts';

const PAGE = { 'x-ringfleet-csrf': '1', host: 'localhost:80', origin: 'http://localhost:80' };
const PASSWORD = 'correct horse battery';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const setUp = (code: string, password = PASSWORD) =>
  people.ask('POST', '/api/v1/setup', { code, name: 'ada', password }, PAGE);
const signIn = (password = PASSWORD, name = 'ada') =>
  people.ask('POST', '/api/v1/session', { name, password }, PAGE);
const cookieOf = (response: { headers: Record<string, unknown> }) => ({
  ...PAGE,
  cookie: String(response.headers['set-cookie']).split(';')[0] ?? '',
});

describe('the set-up link', () => {
  it('makes the first administrator once, who is then signed in', async () => {
    const code = people.setup.make();
    const first = await setUp(code);
    expect([first.statusCode, first.json()]).toEqual([201, { name: 'ada', role: 'admin' }]);
    expect((await people.ask('GET', '/api/v1/people', undefined, cookieOf(first))).statusCode).toBe(200);
    expect((await setUp(code)).json()).toMatchObject({ status: 409, code: 'SETUP_DONE' });
  });

  it('wants the right code within 15 minutes, and a password that is not guessed first', async () => {
    const code = people.setup.make();
    expect((await setUp('wrong')).json()).toMatchObject({ status: 401, code: 'SETUP_CODE_INVALID' });
    expect((await setUp(code, 'password1234')).json()).toMatchObject({ status: 400, code: 'PASSWORD_WEAK' });
    people.pass(15 * 60_000);
    expect((await setUp(code)).json()).toMatchObject({ code: 'SETUP_CODE_INVALID' });
  });
});

describe('a person', () => {
  beforeEach(async () => {
    await setUp(people.setup.make());
  });

  it('signs in with name and password, and the cookie names it', async () => {
    const response = await signIn(PASSWORD, 'ADA');
    expect(response.json()).toEqual({ name: 'ada', role: 'admin' });
    const who = await people.ask('GET', '/api/v1/session', undefined, cookieOf(response));
    expect(who.json()).toEqual({ name: 'ada', role: 'admin' });
  });

  it('gets the same answer for a wrong password as for a name nobody has', async () => {
    const [wrong, nobody] = [await signIn('wrong'), await signIn('wrong', 'eve')];
    expect(wrong.json()).toMatchObject({ status: 401, code: 'SIGN_IN_REFUSED' });
    expect(nobody.json()).toEqual(wrong.json());
    expect(wrong.headers['set-cookie']).toBeUndefined();
  });

  it('waits after the fifth mistake, even with the right password, and is let in afterwards', async () => {
    for (let i = 0; i < 6; i++) expect((await signIn('wrong')).statusCode).toBe(i < 5 ? 401 : 429);
    const locked = await signIn();
    expect(locked.json()).toMatchObject({ status: 429, code: 'SIGN_IN_LOCKED' });
    expect(locked.headers['retry-after']).toBe('1');
    people.pass(1_000);
    expect((await signIn()).statusCode).toBe(201);
    expect((await signIn('wrong')).statusCode).toBe(401);
  });

  it('cannot be guessed by asking many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn('wrong')));
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(5);
  });

  it('is invited by a link that works once, and chooses its own password', async () => {
    const made = await people.ask('POST', '/api/v1/people', { name: 'bob', role: 'operator' });
    expect(made.statusCode).toBe(201);
    const { link, person } = made.json();
    expect(person).toMatchObject({ name: 'bob', role: 'operator', hasPassword: false });
    const code = new URL(link).searchParams.get('code');
    const body = { code, password: 'quite another thing' };
    const entered = await people.ask('POST', '/api/v1/invitation', body, PAGE);
    expect([entered.statusCode, entered.json()]).toEqual([201, { name: 'bob', role: 'operator' }]);
    const again = await people.ask('POST', '/api/v1/invitation', body, PAGE);
    expect(again.json()).toMatchObject({ status: 401, code: 'INVITATION_INVALID' });
    const denied = await people.ask('GET', '/api/v1/people', undefined, cookieOf(entered));
    expect(denied.json()).toMatchObject({ status: 403, code: 'NOT_AUTHORIZED' });
  });

  it('loses its sessions at once with a reset, a removal or a lower role', async () => {
    await people.ask('POST', '/api/v1/people', { name: 'bob', role: 'admin' });
    const session = cookieOf(await signIn());
    const list = () => people.ask('GET', '/api/v1/people', undefined, session);
    expect((await list()).statusCode).toBe(200);
    await people.ask('PATCH', '/api/v1/people/ada', { role: 'viewer' });
    expect((await list()).json()).toMatchObject({ code: 'NOT_AUTHORIZED' });
    await people.ask('POST', '/api/v1/people/ada/reset');
    expect((await list()).json()).toMatchObject({ code: 'NOT_AUTHENTICATED' });
    expect((await signIn()).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
    expect((await people.ask('DELETE', '/api/v1/people/ada')).statusCode).toBe(204);
  });

  it('changes its own password with the old one, which ends its other sessions', async () => {
    const [here, there] = [cookieOf(await signIn()), cookieOf(await signIn())];
    const change = (current: string) =>
      people.ask('POST', '/api/v1/session/password', { current, password: 'quite another thing' }, here);
    expect((await change('wrong')).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
    const changed = await change(PASSWORD);
    expect(changed.statusCode).toBe(201);
    expect((await people.ask('GET', '/api/v1/session', undefined, there)).statusCode).toBe(401);
    expect((await people.ask('GET', '/api/v1/session', undefined, cookieOf(changed))).statusCode).toBe(200);
    expect((await signIn()).statusCode).toBe(401);
    const token = await people.ask('POST', '/api/v1/session/password', { current: 'x', password: 'y' });
    expect(token.json()).toMatchObject({ status: 403, code: 'PERSON_NEEDED' });
  });

  it('takes a token for the command line that acts as the person, and signs out everywhere', async () => {
    const body = { name: 'ada', password: PASSWORD };
    const made = await people.ask('POST', '/api/v1/session/token', body, {});
    const bearer = { authorization: `Bearer ${made.json().token}` };
    const cookie = cookieOf(await signIn());
    expect((await people.ask('GET', '/api/v1/session', undefined, bearer)).json()).toEqual({
      name: 'ada',
      role: 'admin',
    });
    const out = await people.ask('DELETE', '/api/v1/sessions', undefined, bearer);
    expect(out.json()).toEqual({ ended: 3 });
    for (const headers of [bearer, cookie]) {
      expect((await people.ask('GET', '/api/v1/session', undefined, headers)).statusCode).toBe(401);
    }
  });
});
