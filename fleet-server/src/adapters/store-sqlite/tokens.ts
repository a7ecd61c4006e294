import { CodedError } from '@ringfleet/shared/errors';
import type { Role } from '../../core/domain.ts';
import { lowerRole } from '../../core/roles.ts';
import { personBehind } from '../../core/second-person.ts';
import type { TokenStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';
import { endAccess, ownerOf } from './sessions.ts';
import { tokenDesk } from './token-admission.ts';

/** A use is written down at most this often. */
const NOTE_USE_MS = 60_000;

interface EnrollmentRow {
  id: number;
  name: string;
  labels: string;
  uses_left: number;
  expires_at_ms: number;
  created_at_ms: number;
}

export function tokenStore(db: ControlDatabase): TokenStore {
  const insertEnrollment = db.prepare(
    `INSERT INTO enrollment_tokens (name, secret_hash, labels, uses_left, expires_at_ms, created_at_ms, device, needs_approval)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const listed = db.prepare<[number, number], EnrollmentRow>(
    'SELECT * FROM enrollment_tokens WHERE id < ? ORDER BY id DESC LIMIT ?',
  );
  const apiByName = db.prepare<[string], ApiRow>('SELECT * FROM api_tokens WHERE name = ?');
  const listedApi = db.prepare<[number, number], ApiRow>(
    'SELECT * FROM api_tokens WHERE id < ? ORDER BY id DESC LIMIT ?',
  );
  const insertApi = db.prepare(
    `INSERT INTO api_tokens (name, secret_hash, role, expires_at_ms, person, created_at_ms, created_by, owner)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const apiBySecret = db.prepare<[string, number], ApiRow & { person_role: Role | null }>(
    `SELECT t.*, p.role AS person_role FROM api_tokens t LEFT JOIN people p ON p.name = t.person
     WHERE t.secret_hash = ? AND (t.expires_at_ms IS NULL OR t.expires_at_ms > ?)`,
  );
  const noteUse = db.prepare('UPDATE api_tokens SET last_used_at_ms = ? WHERE id = ?');
  const removeApi = db.prepare('DELETE FROM api_tokens WHERE id = ?');
  const end = endAccess(db);
  const desk = tokenDesk(db);
  return {
    async createEnrollment(token, change) {
      const { name, secretHash, labels, uses, expiresAtMs, device = null, needsApproval = false } = token;
      db.write((tx) => {
        insertEnrollment.run(
          name,
          secretHash,
          JSON.stringify(labels),
          uses,
          expiresAtMs,
          change.atMs,
          device,
          Number(needsApproval),
        );
        tx.audit(change, 'token.createEnrollment', name, {
          labels,
          uses,
          expiresAtMs,
          device,
          needsApproval,
        });
      });
    },
    async admission(secretHash, nowMs) {
      return desk.look(secretHash, nowMs);
    },
    async listEnrollment(query) {
      const rows = listed.all(afterKey(query, FROM_NEWEST), query.limit + 1);
      return pageOf(
        rows,
        query,
        (row) => row.id,
        (row) => ({
          name: row.name,
          labels: JSON.parse(row.labels) as Record<string, string>,
          usesLeft: row.uses_left,
          expiresAtMs: row.expires_at_ms,
          createdAtMs: row.created_at_ms,
        }),
      );
    },
    async createApi({ name, secretHash, role, expiresAtMs, person = null }, change) {
      db.write((tx) => {
        const owner = person ?? personBehind(change.by);
        if (apiByName.get(name)) throw new CodedError('TOKEN_EXISTS', `a token ${name} exists already`);
        insertApi.run(name, secretHash, role, expiresAtMs, person, change.atMs, change.by.name, owner);
        tx.audit(change, 'token.createApi', name, { role, expiresAtMs, person, owner });
      });
    },
    async findApi(secretHash, nowMs) {
      const row = apiBySecret.get(secretHash, nowMs);
      if (!row || (row.person !== null && row.person_role === null)) return null;
      if (nowMs - (row.last_used_at_ms ?? 0) >= NOTE_USE_MS) db.write(() => noteUse.run(nowMs, row.id));
      if (row.person === null || row.person_role === null)
        return { kind: 'token', name: row.name, role: row.role, ...ownerOf(row) };
      return { kind: 'person', name: row.person, role: lowerRole(row.role, row.person_role) };
    },
    async listApi(query) {
      const rows = listedApi.all(afterKey(query, FROM_NEWEST), query.limit + 1);
      return pageOf(
        rows,
        query,
        (row) => row.id,
        (row) => ({
          name: row.name,
          role: row.role,
          person: row.person,
          owner: row.owner,
          createdBy: row.created_by,
          createdAtMs: row.created_at_ms,
          expiresAtMs: row.expires_at_ms,
          lastUsedAtMs: row.last_used_at_ms,
        }),
      );
    },
    async revokeApi(name, change) {
      db.write((tx) => {
        const row = apiByName.get(name);
        if (!row) throw new CodedError('API_TOKEN_UNKNOWN', `there is no API token ${name}`);
        removeApi.run(row.id);
        if (row.person === null) end({ kind: 'token', name });
        tx.audit(change, 'token.revokeApi', name);
      });
    },
  };
}

interface ApiRow {
  id: number;
  name: string;
  role: Role;
  person: string | null;
  created_by: string;
  owner: string | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  last_used_at_ms: number | null;
}
