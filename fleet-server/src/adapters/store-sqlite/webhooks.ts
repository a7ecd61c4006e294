import { CodedError } from '@ringfleet/shared/errors';
import type { FleetEvent } from '../../core/domain.ts';
import { MAX_WEBHOOKS, type Webhook, type WebhookStore } from '../../ports/webhooks.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';
import { type DeliveryRow, toDelivery, webhookDeliveries } from './webhook-deliveries.ts';

interface WebhookRow {
  name: string;
  url: string;
  kinds: string;
  secret: string;
  cursor: number;
  created_by: string;
  created_at_ms: number;
}

export function webhookStore(db: ControlDatabase): WebhookStore {
  const all = db.prepare<[], WebhookRow>('SELECT * FROM webhooks ORDER BY name');
  const byName = db.prepare<[string], WebhookRow>('SELECT * FROM webhooks WHERE name = ?');
  const newestEvent = db.prepare<[], { seq: number | null }>('SELECT max(seq) AS seq FROM events');
  const insert = db.prepare(
    'INSERT INTO webhooks (name, url, kinds, secret, cursor, created_by, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const update = db.prepare('UPDATE webhooks SET url = ?, kinds = ?, secret = ? WHERE name = ?');
  const removed = db.prepare('DELETE FROM webhooks WHERE name = ?');
  const listed = db.prepare<[string, number, number], DeliveryRow>(
    'SELECT * FROM webhook_deliveries WHERE webhook = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
  );
  const waiting = db.prepare<[string], { n: number }>(
    "SELECT count(*) AS n FROM webhook_deliveries WHERE webhook = ? AND state = 'waiting'",
  );
  const lastTried = db.prepare<[string], DeliveryRow>(
    'SELECT * FROM webhook_deliveries WHERE webhook = ? AND tried_at_ms IS NOT NULL ORDER BY tried_at_ms DESC, seq DESC LIMIT 1',
  );
  const deliveries = webhookDeliveries(db);

  function known(name: string): WebhookRow {
    const row = byName.get(name);
    if (!row) throw new CodedError('WEBHOOK_UNKNOWN', `there is no webhook ${name}`);
    return row;
  }
  function toWebhook(row: WebhookRow): Webhook {
    const { name, url, created_by: createdBy, created_at_ms: createdAtMs } = row;
    const last = lastTried.get(name);
    return {
      name,
      url,
      kinds: JSON.parse(row.kinds) as FleetEvent['kind'][],
      createdBy,
      createdAtMs,
      waiting: waiting.get(name)?.n ?? 0,
      last: last ? toDelivery(last) : null,
    };
  }

  return {
    ...deliveries,
    async list() {
      return all.all().map(toWebhook);
    },
    async get(name) {
      const row = known(name);
      return { webhook: toWebhook(row), secret: row.secret };
    },
    async put({ name, url, kinds, secret }, change) {
      return db.write((tx) => {
        const before = byName.get(name);
        const kept = secret ?? before?.secret;
        if (kept === undefined) throw new Error('a new webhook needs a secret');
        if (before) update.run(url, JSON.stringify(kinds), kept, name);
        else {
          if (all.all().length >= MAX_WEBHOOKS) throw new CodedError('TOO_MANY_WEBHOOKS');
          const cursor = newestEvent.get()?.seq ?? 0;
          insert.run(name, url, JSON.stringify(kinds), kept, cursor, change.by.name, change.atMs);
        }
        tx.audit(change, 'webhook.set', name, { url, kinds, isNewSecret: secret !== null });
        return toWebhook(known(name));
      });
    },
    async remove(name, change) {
      db.write((tx) => {
        const { url } = known(name);
        removed.run(name);
        deliveries.forget(name);
        tx.audit(change, 'webhook.delete', name, { url });
      });
    },
    async tested(name, message, outcome, change) {
      db.write((tx) => {
        known(name);
        deliveries.addTest(name, message, outcome, change.atMs);
        const result = outcome.isTaken ? 'taken' : outcome.code;
        tx.audit(change, 'webhook.test', name, { id: message.id, result });
      });
    },
    async deliveries(name, query) {
      known(name);
      const rows = listed.all(name, afterKey(query, FROM_NEWEST), query.limit + 1);
      return pageOf(rows, query, ({ seq }) => seq, toDelivery);
    },
  };
}
