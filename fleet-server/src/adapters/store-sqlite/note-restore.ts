import { join } from 'node:path';
import { SILENT } from '../../ports/log.ts';
import { controlDatabase } from './control-database.ts';
import { openDatabase } from './open-database.ts';

const BY = { kind: 'system', name: 'restore', role: 'admin' } as const;

/**
 * Writes into the databases of a folder that they were put back: into the audit log, as an event, and so that certificates
 * which were renewed in between are known for what they are. Sessions end: some may have been closed since.
 */
export function noteRestore(
  folder: string,
  { backupAtMs, atMs }: { readonly backupAtMs: number; readonly atMs: number },
): void {
  const telemetry = openDatabase(join(folder, 'telemetry.db'), 'telemetry', 'NORMAL');
  telemetry.close();
  const control = openDatabase(join(folder, 'control.db'), 'control', 'FULL');
  try {
    const db = controlDatabase(control, SILENT);
    const insert = db.prepare('INSERT INTO restores (at_ms, backup_at_ms) VALUES (?, ?)');
    const endSessions = db.prepare('DELETE FROM sessions');
    const when = new Date(backupAtMs).toISOString();
    const sentence = `This server was put back from a backup of ${when}; what came later is lost here. Devices bring back signed metadata; publish, enroll and revoke again what you did since.`;
    db.write((tx) => {
      insert.run(atMs, backupAtMs);
      endSessions.run();
      tx.audit({ by: BY, atMs }, 'server.restore', 'server', { backupAtMs });
      const about = { device: null, model: null, rollout: null, data: { backupAtMs } };
      tx.event({ kind: 'alert', code: 'SERVER_RESTORED', sentence, ...about }, atMs);
    });
  } finally {
    control.close();
  }
}
