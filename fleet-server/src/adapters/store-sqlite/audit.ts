import type { AuditStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';

interface AuditRow {
  seq: number;
  at_ms: number;
  by_kind: string;
  by_name: string;
  action: string;
  target: string;
  detail: string;
}

export function auditStore(db: ControlDatabase): AuditStore {
  const listed = db.prepare<[number, number], AuditRow>(
    'SELECT * FROM audit_entries WHERE seq < ? ORDER BY seq DESC LIMIT ?',
  );
  return {
    async list(query) {
      const rows = listed.all(afterKey(query, FROM_NEWEST), query.limit + 1);
      return pageOf(
        rows,
        query,
        (row) => row.seq,
        (row) => ({
          seq: row.seq,
          atMs: row.at_ms,
          by: `${row.by_kind}:${row.by_name}`,
          action: row.action,
          target: row.target,
          detail: JSON.parse(row.detail) as unknown,
        }),
      );
    },
  };
}
