import type { ControlDatabase } from './control-database.ts';
import { deviceEvent } from './device-event.ts';
import { gather } from './gather.ts';

/** What `is_connected` says. */
export const VIA = [null, 'mqtt', 'http'] as const;

interface Connection {
  readonly id: string;
  readonly isConnected: boolean;
  readonly atMs: number;
  readonly via: 'mqtt' | 'http';
}

/** Who is connected: a whole fleet that comes back at once costs a commit for each turn of the loop, not for each device. */
export function connectionWriter(db: ControlDatabase): (connection: Connection) => Promise<void> {
  const update = db.prepare(
    'UPDATE devices SET is_connected = ?, last_seen_at_ms = ? WHERE id = ? AND is_connected <> ?',
  );
  return gather((all: readonly Connection[]) => {
    db.write((tx) => {
      for (const { id, isConnected, atMs, via } of all) {
        const flag = isConnected ? VIA.indexOf(via) : 0;
        if (update.run(flag, atMs, id, flag).changes === 0) continue;
        const [code, sentence] = isConnected
          ? ['DEVICE_CONNECTED', `${id} is connected${via === 'http' ? ' by HTTP only' : ''}.`]
          : ['DEVICE_DISCONNECTED', `${id} is no longer connected.`];
        tx.event(deviceEvent(code, id, sentence), atMs);
      }
    });
    return all.map(() => undefined);
  });
}
