import type { FleetEvent } from '../../core/domain.ts';
import {
  MAX_LOGGED,
  MAX_WAITING,
  type WebhookDelivery,
  type WebhookMessage,
  type WebhookOutcome,
  type WebhookStore,
} from '../../ports/webhooks.ts';
import type { ControlDatabase } from './control-database.ts';
import { type EventRow, toEvent } from './events.ts';

export interface DeliveryRow {
  seq: number;
  id: string;
  webhook: string;
  type: string;
  body: string;
  state: WebhookDelivery['state'];
  attempts: number;
  status: number | null;
  code: string | null;
  detail: string | null;
  created_at_ms: number;
  tried_at_ms: number | null;
  next_at_ms: number | null;
}

/** Events looked at for one webhook in one transaction. */
const PAGE = 500;

/** The half of the store that the worker uses. `forget` and `addTest` are to be called inside a write. */
export function webhookDeliveries(db: ControlDatabase): Pick<
  WebhookStore,
  'take' | 'due' | 'nextDueMs' | 'tried'
> & {
  forget(webhook: string): void;
  addTest(webhook: string, message: WebhookMessage, outcome: WebhookOutcome, atMs: number): void;
} {
  const behind = db.prepare<[], { name: string; kinds: string; cursor: number; waiting: number }>(
    `SELECT w.name, w.kinds, w.cursor,
       (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook = w.name AND d.state = 'waiting') AS waiting
     FROM webhooks w WHERE w.cursor < (SELECT max(seq) FROM events)`,
  );
  const following = db.prepare<[number, number], EventRow>(
    'SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  const insert = db.prepare(
    `INSERT INTO webhook_deliveries (id, webhook, event_seq, type, body, state, attempts, created_at_ms, next_at_ms)
     VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, ?)`,
  );
  const insertTest = db.prepare(
    `INSERT INTO webhook_deliveries (id, webhook, type, body, state, attempts, status, code, detail, created_at_ms, tried_at_ms)
     VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)`,
  );
  const moveOn = db.prepare('UPDATE webhooks SET cursor = ? WHERE name = ?');
  const firstDue = db.prepare<[number], DeliveryRow & { url: string; secret: string }>(
    `SELECT d.*, w.url, w.secret, min(d.next_at_ms) FROM webhook_deliveries d JOIN webhooks w ON w.name = d.webhook
     WHERE d.state = 'waiting' AND d.next_at_ms <= ? GROUP BY d.webhook`,
  );
  const earliest = db.prepare<[], { ms: number | null }>(
    "SELECT min(next_at_ms) AS ms FROM webhook_deliveries WHERE state = 'waiting'",
  );
  const noteTry = db.prepare<unknown[], { webhook: string }>(
    `UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, status = ?, code = ?, detail = ?, tried_at_ms = ?,
       next_at_ms = ? WHERE id = ? AND state = 'waiting' RETURNING webhook`,
  );
  const trim = db.prepare(
    `DELETE FROM webhook_deliveries WHERE webhook = @webhook AND state <> 'waiting' AND seq <= (
       SELECT seq FROM webhook_deliveries WHERE webhook = @webhook AND state <> 'waiting'
       ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_LOGGED})`,
  );
  const forgotten = db.prepare('DELETE FROM webhook_deliveries WHERE webhook = ?');

  return {
    async take(messageOf, nowMs) {
      if (!behind.get()) return 0;
      return db.write(() => {
        let passed = 0;
        for (const { name, kinds, cursor, waiting } of behind.all()) {
          const wanted = new Set(JSON.parse(kinds) as FleetEvent['kind'][]);
          let room = MAX_WAITING - waiting;
          let seen = cursor;
          for (const row of following.all(cursor, PAGE)) {
            if (wanted.has(row.kind)) {
              if (room === 0) break;
              const { id, type, body } = messageOf(toEvent(row));
              insert.run(id, name, row.seq, type, body, nowMs, nowMs);
              room -= 1;
            }
            seen = row.seq;
            passed += 1;
          }
          moveOn.run(seen, name);
        }
        return passed;
      });
    },
    async due(nowMs) {
      return firstDue.all(nowMs).map(({ id, webhook, type, body, url, secret, attempts }) => ({
        id,
        webhook,
        type,
        body,
        url,
        secret,
        failures: attempts,
      }));
    },
    async nextDueMs() {
      return earliest.get()?.ms ?? null;
    },
    async tried(id, outcome, retryAtMs, nowMs) {
      db.write(() => {
        const state = outcome.isTaken ? 'delivered' : retryAtMs === null ? 'failed' : 'waiting';
        const { code, detail } = failureOf(outcome);
        const next = state === 'waiting' ? retryAtMs : null;
        const row = noteTry.get(state, outcome.status, code, detail, nowMs, next, id);
        if (row) trim.run({ webhook: row.webhook });
      });
    },
    forget(webhook) {
      forgotten.run(webhook);
    },
    addTest(webhook, { id, type, body }, outcome, atMs) {
      const { code, detail } = failureOf(outcome);
      const state = outcome.isTaken ? 'delivered' : 'failed';
      insertTest.run(id, webhook, type, body, state, outcome.status, code, detail, atMs, atMs);
      trim.run({ webhook });
    },
  };
}

const failureOf = (outcome: WebhookOutcome): { code: string | null; detail: string | null } =>
  outcome.isTaken ? { code: null, detail: null } : { code: outcome.code, detail: outcome.detail };

export const toDelivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  webhook: row.webhook,
  type: row.type,
  state: row.state,
  attempts: row.attempts,
  status: row.status,
  code: row.code,
  detail: row.detail,
  createdAtMs: row.created_at_ms,
  triedAtMs: row.tried_at_ms,
  nextAtMs: row.next_at_ms,
});
