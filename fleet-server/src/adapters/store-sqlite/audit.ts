import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditMark, AuditProblem, AuditStore } from '../../ports/stores.ts';
import { auditHash, type ControlDatabase, FIRST_AUDIT_HASH } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';

interface AuditRow {
  seq: number;
  at_ms: number;
  by_kind: string;
  by_name: string;
  action: string;
  target: string;
  detail: string;
  hash: Buffer;
}

export function auditStore(db: ControlDatabase): AuditStore {
  const listed = db.prepare<[number, number], AuditRow>(
    'SELECT * FROM audit_entries WHERE seq < ? ORDER BY seq DESC LIMIT ?',
  );
  const newest = db.prepare<[], AuditRow>('SELECT * FROM audit_entries ORDER BY seq DESC LIMIT 1');
  const following = db.prepare<[number, number], AuditRow>(
    'SELECT * FROM audit_entries WHERE seq > ? ORDER BY seq LIMIT ?',
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
    async head() {
      const row = newest.get();
      return row ? markOf(row) : null;
    },
    async verify(marks) {
      const expected = Map.groupBy(marks, ({ seq }) => seq);
      let head: { seq: number; hash: string } | null = null;
      let previous: Uint8Array = FIRST_AUDIT_HASH;
      const broken = (code: AuditProblem['code'], seq: number) => ({
        rows: head?.seq ?? 0,
        head,
        problem: { code, seq },
      });
      for (;;) {
        const after: number = head?.seq ?? 0;
        const rows = following.all(after, CHUNK_ROWS);
        for (const row of rows) {
          const next: number = (head?.seq ?? 0) + 1;
          if (row.seq !== next) return broken('AUDIT_ROW_MISSING', next);
          if (!auditHash(previous, contentOf(row)).equals(row.hash)) return broken('AUDIT_ROW_CHANGED', next);
          head = markOf(row);
          const { hash } = head;
          if (expected.get(next)?.some((mark) => mark.hash !== hash)) return broken('AUDIT_REWRITTEN', next);
          previous = row.hash;
        }
        if (rows.length < CHUNK_ROWS) break;
        // Devices report on this thread, too.
        await nextTurn();
      }
      const last: number = head?.seq ?? 0;
      if (marks.some(({ seq }) => seq > last)) return broken('AUDIT_TAIL_MISSING', last + 1);
      return { rows: last, head, problem: null };
    },
  };
}

const CHUNK_ROWS = 1_000;

const markOf = ({ seq, hash }: AuditRow): AuditMark => ({ seq, hash: hash.toString('hex') });

const contentOf = ({ at_ms, by_kind, by_name, action, target, detail }: AuditRow): string =>
  JSON.stringify([at_ms, by_kind, by_name, action, target, detail]);
