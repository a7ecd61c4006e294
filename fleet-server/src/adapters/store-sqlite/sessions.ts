import type { Principal, Role } from '../../core/domain.ts';
import { SESSION_IDLE_MS, SESSION_LONGEST_MS, type SessionStore } from '../../ports/people.ts';
import type { ControlDatabase } from './control-database.ts';

/** A use is written down at most this often: reading the dashboard must not write to the disk all the time. */
const NOTE_USE_MS = 60_000;
const MAX_SESSIONS = 10_000;

interface SessionRow {
  kind: Principal['kind'];
  name: string;
  role: Role;
  used_at_ms: number;
  owner: string | null;
}

export function sessionStore(db: ControlDatabase): SessionStore {
  const forget = db.prepare('DELETE FROM sessions WHERE used_at_ms <= ? OR opened_at_ms <= ?');
  const trim = db.prepare(
    `DELETE FROM sessions WHERE id_hash IN (SELECT id_hash FROM sessions ORDER BY used_at_ms DESC LIMIT -1 OFFSET ${MAX_SESSIONS - 1})`,
  );
  const insert = db.prepare(
    'INSERT INTO sessions (id_hash, kind, name, role, opened_at_ms, used_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
  );
  // A session is worth what its person or token is worth now; without them it is worth nothing.
  const found = db.prepare<[string, number, number, number], SessionRow>(
    `SELECT s.kind, coalesce(p.name, s.name) AS name, coalesce(p.role, t.role, s.role) AS role, s.used_at_ms,
       t.owner
     FROM sessions s
     LEFT JOIN people p ON s.kind = 'person' AND p.name = s.name
     LEFT JOIN api_tokens t ON s.kind = 'token' AND t.name = s.name
     WHERE s.id_hash = ? AND s.used_at_ms > ? AND s.opened_at_ms > ?
       AND (s.kind <> 'person' OR p.name IS NOT NULL)
       AND coalesce(t.expires_at_ms, 9e15) > ?`,
  );
  const noteUse = db.prepare('UPDATE sessions SET used_at_ms = ? WHERE id_hash = ?');
  const closed = db.prepare('DELETE FROM sessions WHERE id_hash = ?');
  const end = endAccess(db);
  return {
    async open(idHash, { kind, name, role }, atMs) {
      db.write(() => {
        forget.run(atMs - SESSION_IDLE_MS, atMs - SESSION_LONGEST_MS);
        trim.run();
        insert.run(idHash, kind, name, role, atMs, atMs);
      });
    },
    async find(idHash, nowMs) {
      const row = found.get(idHash, nowMs - SESSION_IDLE_MS, nowMs - SESSION_LONGEST_MS, nowMs);
      if (!row) return null;
      if (nowMs - row.used_at_ms >= NOTE_USE_MS) db.write(() => noteUse.run(nowMs, idHash));
      const { kind, name, role } = row;
      return { kind, name, role, ...ownerOf(row) };
    },
    async close(idHash) {
      db.write(() => closed.run(idHash));
    },
    async closeAll(of, change) {
      return db.write((tx) => {
        const ended = end(of);
        tx.audit(change, 'session.closeAll', `${of.kind}:${of.name}`, { ended });
        return ended;
      });
    },
  };
}

/** Whose token it is, as a principal carries it. */
export const ownerOf = ({ owner }: { readonly owner: string | null }): { owner?: string } =>
  owner === null ? {} : { owner };

/** Ends every session of somebody and, of a person, every token they signed in with; to be called inside a write. */
export function endAccess(db: ControlDatabase): (of: Pick<Principal, 'kind' | 'name'>) => number {
  const sessions = db.prepare('DELETE FROM sessions WHERE kind = ? AND name = ?');
  const tokens = db.prepare('DELETE FROM api_tokens WHERE person = ?');
  return ({ kind, name }) => {
    const ended = sessions.run(kind, name).changes;
    return ended + (kind === 'person' ? tokens.run(name).changes : 0);
  };
}
