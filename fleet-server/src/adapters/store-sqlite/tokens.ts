import { CodedError } from '@ringfleet/shared/errors';
import type { Role } from '../../core/domain.ts';
import type { TokenStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';
import { tokenDesk } from './token-admission.ts';

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
  const apiByName = db.prepare<[string], { id: number }>('SELECT id FROM api_tokens WHERE name = ?');
  const insertApi = db.prepare(
    'INSERT INTO api_tokens (name, secret_hash, role, expires_at_ms) VALUES (?, ?, ?, ?)',
  );
  const apiBySecret = db.prepare<[string, number], { name: string; role: Role }>(
    'SELECT name, role FROM api_tokens WHERE secret_hash = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)',
  );
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
    async createApi({ name, secretHash, role, expiresAtMs }, change) {
      db.write((tx) => {
        if (apiByName.get(name)) throw new CodedError('TOKEN_EXISTS', `a token ${name} exists already`);
        insertApi.run(name, secretHash, role, expiresAtMs);
        tx.audit(change, 'token.createApi', name, { role, expiresAtMs });
      });
    },
    async findApi(secretHash, nowMs) {
      const row = apiBySecret.get(secretHash, nowMs);
      return row ? { kind: 'token', name: row.name, role: row.role } : null;
    },
  };
}
