import type { RefusalStore, RefusedContact } from '../../ports/refusal-store.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';

interface RefusalRow {
  id: number;
  address: string;
  code: string;
  serial: string | null;
  device: string | null;
  first_at_ms: number;
  last_at_ms: number;
  count: number;
}

const MAX_ROWS = 2_000;

export function refusalStore(db: ControlDatabase): RefusalStore {
  // A new id at every write: the newest contact comes first, and pages stay stable.
  const before = db.prepare<[string, string], RefusalRow>(
    'DELETE FROM refused_contacts WHERE address = ? AND code = ? RETURNING *',
  );
  const newest = db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM refused_contacts');
  const insert = db.prepare(
    `INSERT INTO refused_contacts (id, address, code, serial, device, first_at_ms, last_at_ms, count)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const trim = db.prepare(
    `DELETE FROM refused_contacts WHERE id <= (SELECT id FROM refused_contacts ORDER BY id DESC LIMIT 1 OFFSET ${MAX_ROWS})`,
  );
  const listed = db.prepare<[number, number], RefusalRow>(
    'SELECT * FROM refused_contacts WHERE id < ? ORDER BY id DESC LIMIT ?',
  );
  return {
    async add({ address, code, serial, device, lastAtMs, count }) {
      db.write(() => {
        const id = (newest.get()?.id ?? 0) + 1;
        const known = before.get(address, code);
        const firstAtMs = known?.first_at_ms ?? lastAtMs;
        insert.run(id, address, code, serial, device, firstAtMs, lastAtMs, count + (known?.count ?? 0));
        trim.run();
      });
    },
    async list(query) {
      const rows = listed.all(afterKey(query, FROM_NEWEST), query.limit + 1);
      return pageOf(rows, query, (row) => row.id, toContact);
    },
  };
}

const toContact = (row: RefusalRow): RefusedContact => ({
  address: row.address,
  code: row.code,
  serial: row.serial,
  device: row.device,
  firstAtMs: row.first_at_ms,
  lastAtMs: row.last_at_ms,
  count: row.count,
});
