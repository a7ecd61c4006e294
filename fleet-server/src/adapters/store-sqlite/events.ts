import type { FleetEvent } from '../../core/domain.ts';
import type { EventStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';

export interface EventRow {
  seq: number;
  at_ms: number;
  kind: FleetEvent['kind'];
  code: string;
  sentence: string;
  device: string | null;
  model: string | null;
  rollout: string | null;
  data: string;
}

export function eventStore(db: ControlDatabase): EventStore {
  const after = db.prepare<[number, number], EventRow>(
    'SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  const list = (where: string) => `SELECT * FROM events WHERE seq < ? ${where} ORDER BY seq DESC LIMIT ?`;
  const all = db.prepare<[number, number], EventRow>(list(''));
  const ofDevice = db.prepare<[number, string, number], EventRow>(list('AND device = ?'));
  const ofRollout = db.prepare<[number, string, number], EventRow>(list('AND rollout = ?'));
  const ofBoth = db.prepare<[number, string, string, number], EventRow>(
    list('AND device = ? AND rollout = ?'),
  );
  return {
    async append(events, atMs) {
      db.write((tx) => {
        for (const event of events) tx.event(event, atMs);
      });
    },
    async after(seq, limit) {
      return after.all(seq, limit).map(toEvent);
    },
    async list(query) {
      const from = afterKey(query, FROM_NEWEST);
      const { device, rollout, limit } = query;
      const rows =
        device !== undefined && rollout !== undefined
          ? ofBoth.all(from, device, rollout, limit + 1)
          : device !== undefined
            ? ofDevice.all(from, device, limit + 1)
            : rollout !== undefined
              ? ofRollout.all(from, rollout, limit + 1)
              : all.all(from, limit + 1);
      return pageOf(rows, query, (row) => row.seq, toEvent);
    },
    onAppend: (listener) => db.onAppend(listener),
  };
}

export const toEvent = (row: EventRow): FleetEvent => ({
  seq: row.seq,
  atMs: row.at_ms,
  kind: row.kind,
  code: row.code,
  sentence: row.sentence,
  device: row.device,
  model: row.model,
  rollout: row.rollout,
  data: JSON.parse(row.data),
});
