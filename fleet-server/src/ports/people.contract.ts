import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../core/domain.ts';
import { SESSION_IDLE_MS, SESSION_LONGEST_MS } from './people.ts';
import { CHANGE, NOW_MS } from './stores.contract.ts';
import type { Stores } from './stores.ts';

const BOB: Principal = { kind: 'person', name: 'bob', role: 'operator' };
const invitation = (hash: string) => ({ hash, expiresAtMs: NOW_MS + 1_000 });

/** What every implementation of people and sessions must do. */
export function describePeople(
  name: string,
  make: () => Promise<{ stores: Stores; dispose: () => Promise<void> }>,
): void {
  describe(`People: ${name}`, () => {
    let stores: Stores;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ stores, dispose } = await make());
    });
    afterEach(() => dispose());

    const withBob = async (): Promise<void> => {
      await stores.people.createFirst({ name: 'Ada', password: 'p1' }, NOW_MS);
      await stores.people.create({ name: 'bob', role: 'operator', invitation: invitation('h1') }, CHANGE);
    };
    const auditOf = async (): Promise<string[]> =>
      (await stores.audit.list({ limit: 99 })).items.map(
        ({ by, action, target }) => `${by} ${action} ${target}`,
      );

    it('makes the first administrator once', async () => {
      expect(await stores.people.isEmpty()).toBe(true);
      await withBob();
      expect(await stores.people.isEmpty()).toBe(false);
      const again = stores.people.createFirst({ name: 'eve', password: 'p' }, NOW_MS);
      await expect(again).rejects.toMatchObject({ code: 'SETUP_DONE' });
      expect(await auditOf()).toEqual(['person:ada person.create bob', 'person:Ada person.setUp Ada']);
    });

    it('knows people by name without case, and never twice', async () => {
      await withBob();
      expect(await stores.people.get('ADA')).toMatchObject({ name: 'Ada', role: 'admin', hasPassword: true });
      expect(await stores.people.passwordOf('ada')).toBe('p1');
      const twin = stores.people.create(
        { name: 'ADA', role: 'viewer', invitation: invitation('h2') },
        CHANGE,
      );
      await expect(twin).rejects.toMatchObject({ code: 'PERSON_EXISTS' });
      const first = await stores.people.list({ limit: 1 });
      const second = await stores.people.list({ limit: 1, cursor: first.next ?? '' });
      expect([...first.items, ...second.items].map((person) => person.name)).toEqual(['Ada', 'bob']);
    });

    it('takes an invitation once and in time', async () => {
      await withBob();
      expect(await stores.people.invited('h1', NOW_MS + 1_000)).toBeNull();
      expect(await stores.people.invited('h1', NOW_MS)).toMatchObject({ name: 'bob', hasPassword: false });
      expect(await stores.people.acceptInvitation('h1', 'p2', NOW_MS)).toMatchObject({ hasPassword: true });
      const again = stores.people.acceptInvitation('h1', 'p3', NOW_MS);
      await expect(again).rejects.toMatchObject({ code: 'INVITATION_INVALID' });
      expect(await stores.people.passwordOf('bob')).toBe('p2');
    });

    it('keeps the last administrator', async () => {
      await withBob();
      await expect(stores.people.remove('ada', CHANGE)).rejects.toMatchObject({ code: 'LAST_ADMIN' });
      await expect(stores.people.setRole('ada', 'viewer', CHANGE)).rejects.toMatchObject({
        code: 'LAST_ADMIN',
      });
      await stores.people.setRole('bob', 'admin', CHANGE);
      await stores.people.remove('ada', CHANGE);
      await expect(stores.people.remove('ada', CHANGE)).rejects.toMatchObject({ code: 'PERSON_UNKNOWN' });
    });

    it('ends a session 12 hours after its last use and 7 days after its start', async () => {
      await withBob();
      await stores.sessions.open('s1', BOB, NOW_MS);
      let now = NOW_MS;
      for (; now < NOW_MS + SESSION_LONGEST_MS; now += SESSION_IDLE_MS - 1) {
        expect(await stores.sessions.find('s1', now)).toEqual(BOB);
      }
      expect(await stores.sessions.find('s1', now)).toBeNull();
      await stores.sessions.open('s2', BOB, NOW_MS);
      expect(await stores.sessions.find('s2', NOW_MS + SESSION_IDLE_MS)).toBeNull();
    });

    it('gives a session and a login token the role that the person has now, and nothing once they are gone', async () => {
      await withBob();
      await stores.sessions.open('s1', BOB, NOW_MS);
      const token = {
        name: 't1',
        secretHash: 'aa',
        role: 'publisher',
        expiresAtMs: null,
        person: 'bob',
      } as const;
      await stores.tokens.createApi(token, CHANGE);
      expect(await stores.tokens.findApi('aa', NOW_MS)).toEqual(BOB);
      await stores.people.setRole('bob', 'admin', CHANGE);
      expect(await stores.sessions.find('s1', NOW_MS)).toMatchObject({ role: 'admin' });
      expect(await stores.tokens.findApi('aa', NOW_MS)).toMatchObject({ name: 'bob', role: 'publisher' });
      await stores.people.remove('bob', CHANGE);
      expect(await stores.sessions.find('s1', NOW_MS)).toBeNull();
      expect(await stores.tokens.findApi('aa', NOW_MS)).toBeNull();
    });

    it('takes the tokens that a removed person made for scripts along, with what was opened by them', async () => {
      await withBob();
      const made = { role: 'operator', expiresAtMs: null } as const;
      const byToken = { kind: 'token', name: 'ci', role: 'operator', owner: 'bob' } as const;
      await stores.tokens.createApi({ ...made, name: 'ci', secretHash: 'aa' }, { ...CHANGE, by: BOB });
      await stores.tokens.createApi({ ...made, name: 'cj', secretHash: 'bb' }, { ...CHANGE, by: byToken });
      await stores.tokens.createApi({ ...made, name: 'other', secretHash: 'cc' }, CHANGE);
      await stores.sessions.open('s1', byToken, NOW_MS);
      await stores.people.remove('BOB', CHANGE);
      expect(await stores.tokens.findApi('aa', NOW_MS)).toBeNull();
      expect(await stores.tokens.findApi('bb', NOW_MS)).toBeNull();
      expect(await stores.sessions.find('s1', NOW_MS)).toBeNull();
      expect(await stores.tokens.findApi('cc', NOW_MS)).toMatchObject({ name: 'other' });
      expect((await stores.audit.list({ limit: 1 })).items).toMatchObject([
        { action: 'person.remove', detail: { role: 'operator', tokens: ['ci', 'cj'] } },
      ]);
    });

    it.each([
      ['a reset', () => stores.people.reset('bob', invitation('h3'), CHANGE)],
      ['a new password', () => stores.people.setPassword('bob', 'p4', CHANGE)],
      ['sign-out everywhere', () => stores.sessions.closeAll(BOB, CHANGE)],
    ])('ends sessions and login tokens with %s, and leaves those of others', async (_case, act) => {
      await withBob();
      await stores.sessions.open('s1', BOB, NOW_MS);
      await stores.sessions.open('s2', { ...BOB, name: 'Ada' }, NOW_MS);
      const token = {
        name: 't1',
        secretHash: 'aa',
        role: 'admin',
        expiresAtMs: null,
        person: 'Bob',
      } as const;
      await stores.tokens.createApi(token, CHANGE);
      await act();
      expect(await stores.sessions.find('s1', NOW_MS)).toBeNull();
      expect(await stores.tokens.findApi('aa', NOW_MS)).toBeNull();
      expect(await stores.sessions.find('s2', NOW_MS)).toMatchObject({ name: 'Ada' });
    });

    it('lists API tokens with their last use, and revokes one with its sessions', async () => {
      const token = { name: 'ci', secretHash: 'aa', role: 'operator', expiresAtMs: null } as const;
      await stores.tokens.createApi(token, CHANGE);
      await stores.sessions.open('s1', { kind: 'token', name: 'ci', role: 'operator' }, NOW_MS);
      await stores.tokens.findApi('aa', NOW_MS + 5);
      expect((await stores.tokens.listApi({ limit: 9 })).items).toEqual([
        {
          name: 'ci',
          role: 'operator',
          person: null,
          owner: 'ada',
          createdBy: 'ada',
          createdAtMs: NOW_MS,
          expiresAtMs: null,
          lastUsedAtMs: NOW_MS + 5,
        },
      ]);
      await stores.tokens.revokeApi('ci', CHANGE);
      expect(await stores.tokens.findApi('aa', NOW_MS)).toBeNull();
      expect(await stores.sessions.find('s1', NOW_MS)).toBeNull();
      await expect(stores.tokens.revokeApi('ci', CHANGE)).rejects.toMatchObject({
        code: 'API_TOKEN_UNKNOWN',
      });
    });

    it('takes in whom the identity provider vouches for, but never under the name of somebody else', async () => {
      await withBob();
      const cyd = { externalId: 'https://id.test 1', name: 'cyd', role: 'viewer' } as const;
      expect(await stores.people.signedInOutside(cyd, NOW_MS)).toMatchObject({
        name: 'cyd',
        isExternal: true,
      });
      const renamed = { ...cyd, name: 'cydney', role: 'operator' } as const;
      expect(await stores.people.signedInOutside(renamed, NOW_MS)).toMatchObject({
        name: 'cyd',
        role: 'operator',
      });
      const thief = stores.people.signedInOutside({ ...cyd, externalId: 'other', name: 'ADA' }, NOW_MS);
      await expect(thief).rejects.toMatchObject({ code: 'PERSON_EXISTS' });
    });
  });
}
