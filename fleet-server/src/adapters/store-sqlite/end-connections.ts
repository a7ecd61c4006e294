import type { ControlDatabase } from './control-database.ts';
import { deviceEvent } from './device-event.ts';

/** Nobody is connected to a server that has just started; after a crash the database may still say so. */
export function endConnections(db: ControlDatabase, nowMs: number): void {
  const connected = db.prepare<[], { id: string }>('SELECT id FROM devices WHERE is_connected <> 0').all();
  if (connected.length === 0) return;
  db.write((tx) => {
    db.prepare('UPDATE devices SET is_connected = 0').run();
    for (const { id } of connected) {
      tx.event(
        deviceEvent('DEVICE_DISCONNECTED', id, `${id} lost its connection when the server stopped.`),
        nowMs,
      );
    }
  });
}
