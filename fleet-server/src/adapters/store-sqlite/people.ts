import { CodedError } from '@ringfleet/shared/errors';
import type { Principal, Role } from '../../core/domain.ts';
import type { PeopleStore, Person } from '../../ports/people.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, pageOf } from './page.ts';
import { endAccess } from './sessions.ts';

interface PersonRow {
  name: string;
  role: Role;
  password: string | null;
  external_id: string | null;
  created_at_ms: number;
  last_sign_in_at_ms: number | null;
}

export function peopleStore(db: ControlDatabase): PeopleStore {
  const listed = db.prepare<[string, number], PersonRow>(
    'SELECT * FROM people WHERE name > ? ORDER BY name LIMIT ?',
  );
  const byName = db.prepare<[string], PersonRow>('SELECT * FROM people WHERE name = ?');
  const byOutsideId = db.prepare<[string], PersonRow>('SELECT * FROM people WHERE external_id = ?');
  const byInvitation = db.prepare<[string, number], PersonRow>(
    'SELECT * FROM people WHERE invitation_hash = ? AND invitation_expires_at_ms > ?',
  );
  const counted = db.prepare<[], { people: number; admins: number }>(
    "SELECT count(*) AS people, count(*) FILTER (WHERE role = 'admin') AS admins FROM people",
  );
  const insert = db.prepare(
    `INSERT INTO people (name, role, password, invitation_hash, invitation_expires_at_ms, external_id, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateRole = db.prepare('UPDATE people SET role = ? WHERE name = ?');
  const updateInvitation = db.prepare(
    'UPDATE people SET password = NULL, invitation_hash = ?, invitation_expires_at_ms = ? WHERE name = ?',
  );
  const updatePassword = db.prepare(
    'UPDATE people SET password = ?, invitation_hash = NULL, invitation_expires_at_ms = NULL WHERE name = ?',
  );
  const updateSignIn = db.prepare('UPDATE people SET last_sign_in_at_ms = ? WHERE name = ?');
  const removed = db.prepare('DELETE FROM people WHERE name = ?');
  const scriptTokens = db.prepare<[string], { name: string }>(
    'DELETE FROM api_tokens WHERE owner = ? COLLATE NOCASE AND person IS NULL RETURNING name',
  );
  const end = endAccess(db);

  function known(name: string): PersonRow {
    const row = byName.get(name);
    if (!row) throw new CodedError('PERSON_UNKNOWN', `there is no person ${name}`);
    return row;
  }
  function mustBeFree(name: string): void {
    if (byName.get(name)) throw new CodedError('PERSON_EXISTS', `there is a person ${name} already`);
  }
  function mustNotBeLast(row: PersonRow): void {
    if (row.role === 'admin' && counted.get()?.admins === 1)
      throw new CodedError('LAST_ADMIN', `${row.name} is the last administrator`);
  }

  return {
    async list(query) {
      const rows = listed.all(afterKey(query, ''), query.limit + 1);
      return pageOf(rows, query, ({ name }) => name, personOf);
    },
    async get(name) {
      const row = byName.get(name);
      return row ? personOf(row) : null;
    },
    async isEmpty() {
      return counted.get()?.people === 0;
    },
    async createFirst({ name, password }, atMs) {
      return db.write((tx) => {
        if (counted.get()?.people !== 0) throw new CodedError('SETUP_DONE');
        insert.run(name, 'admin', password, null, null, null, atMs);
        tx.audit({ by: actor(name, 'admin'), atMs }, 'person.setUp', name, { role: 'admin' });
        return personOf(known(name));
      });
    },
    async create({ name, role, invitation }, change) {
      return db.write((tx) => {
        mustBeFree(name);
        insert.run(name, role, null, invitation.hash, invitation.expiresAtMs, null, change.atMs);
        tx.audit(change, 'person.create', name, { role });
        return personOf(known(name));
      });
    },
    async setRole(name, role, change) {
      return db.write((tx) => {
        const row = known(name);
        if (role !== 'admin') mustNotBeLast(row);
        updateRole.run(role, name);
        tx.audit(change, 'person.setRole', row.name, { from: row.role, to: role });
        return personOf(known(name));
      });
    },
    async remove(name, change) {
      db.write((tx) => {
        const row = known(name);
        mustNotBeLast(row);
        end(actor(row.name, row.role));
        const tokens = scriptTokens.all(row.name).map((token) => token.name);
        for (const token of tokens) end({ kind: 'token', name: token });
        removed.run(name);
        tx.audit(change, 'person.remove', row.name, { role: row.role, tokens });
      });
    },
    async reset(name, invitation, change) {
      return db.write((tx) => {
        const row = known(name);
        updateInvitation.run(invitation.hash, invitation.expiresAtMs, name);
        end(actor(row.name, row.role));
        tx.audit(change, 'person.reset', row.name);
        return personOf(known(name));
      });
    },
    async invited(hash, nowMs) {
      const row = byInvitation.get(hash, nowMs);
      return row ? personOf(row) : null;
    },
    async acceptInvitation(hash, password, atMs) {
      return db.write((tx) => {
        const row = byInvitation.get(hash, atMs);
        if (!row) throw new CodedError('INVITATION_INVALID');
        updatePassword.run(password, row.name);
        tx.audit({ by: actor(row.name, row.role), atMs }, 'person.acceptInvitation', row.name);
        return personOf(known(row.name));
      });
    },
    async passwordOf(name) {
      return byName.get(name)?.password ?? null;
    },
    async setPassword(name, password, change) {
      db.write((tx) => {
        const row = known(name);
        updatePassword.run(password, name);
        end(actor(row.name, row.role));
        tx.audit(change, 'person.setPassword', row.name);
      });
    },
    async signedIn(name, atMs) {
      db.write((tx) => {
        const row = known(name);
        updateSignIn.run(atMs, name);
        tx.audit({ by: actor(row.name, row.role), atMs }, 'person.signIn', row.name);
      });
    },
    async signedInOutside({ externalId, name, role }, atMs) {
      return db.write((tx) => {
        const before = byOutsideId.get(externalId);
        if (!before) {
          mustBeFree(name);
          insert.run(name, role, null, null, null, externalId, atMs);
        } else updateRole.run(role, before.name);
        const row = known(before?.name ?? name);
        updateSignIn.run(atMs, row.name);
        tx.audit({ by: actor(row.name, role), atMs }, 'person.signIn', row.name, { externalId, role });
        return personOf(known(row.name));
      });
    },
  };
}

const actor = (name: string, role: Role): Principal => ({ kind: 'person', name, role });

const personOf = (row: PersonRow): Person => ({
  name: row.name,
  role: row.role,
  createdAtMs: row.created_at_ms,
  lastSignInAtMs: row.last_sign_in_at_ms,
  hasPassword: row.password !== null,
  isExternal: row.external_id !== null,
});
