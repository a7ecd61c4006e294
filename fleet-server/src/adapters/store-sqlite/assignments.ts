import type { AssignmentStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';

interface AssignmentRow {
  generation: number;
  tuf_version: number;
  content_hash: string;
  document: string;
  expires_at_ms: number;
}

export function assignmentStore(db: ControlDatabase): AssignmentStore {
  const byDevice = db.prepare<[string], AssignmentRow>('SELECT * FROM assignments WHERE device = ?');
  const put = db.prepare(
    `INSERT OR REPLACE INTO assignments (device, generation, tuf_version, content_hash, document, expires_at_ms)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  return {
    async get(device) {
      const row = byDevice.get(device);
      if (!row) return null;
      return {
        generation: row.generation,
        tufVersion: row.tuf_version,
        contentHash: row.content_hash,
        document: row.document,
        expiresAtMs: row.expires_at_ms,
      };
    },
    async put(device, { generation, tufVersion, contentHash, document, expiresAtMs }, change) {
      db.write((tx) => {
        const before = byDevice.get(device);
        put.run(device, generation, tufVersion, contentHash, document, expiresAtMs);
        // The same content signed again for freshness changes nothing for the device.
        if (before?.generation === generation) return;
        tx.audit(change, 'assignment.make', device, { generation, contentHash });
      });
    },
  };
}
