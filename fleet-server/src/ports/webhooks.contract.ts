import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FleetEvent } from '../core/domain.ts';
import { CHANGE, NOW_MS } from './stores.contract.ts';
import type { NewEvent, Stores } from './stores.ts';
import { MAX_LOGGED, MAX_WAITING, MAX_WEBHOOKS, type WebhookMessage } from './webhooks.ts';

const CHAT = { name: 'chat', url: 'https://chat.test/', kinds: ['rollout'], secret: 'whsec_AA==' } as const;
const eventOf = (code: string, kind: FleetEvent['kind'] = 'rollout'): NewEvent => ({
  kind,
  code,
  sentence: '',
  device: null,
  model: null,
  rollout: null,
  data: {},
});
const messageOf = ({ seq, code }: FleetEvent): WebhookMessage => ({
  id: `msg_${seq}_${Math.random()}`,
  type: code,
  body: String(seq),
});
const TAKEN = { isTaken: true, status: 204 } as const;
const FAILED = { isTaken: false, status: null, code: 'WEBHOOK_TIMEOUT', detail: 'late' } as const;

/** What every implementation of the webhook store must do. */
export function describeWebhooks(
  name: string,
  make: () => Promise<{ stores: Stores; dispose: () => Promise<void> }>,
): void {
  describe(`Webhooks: ${name}`, () => {
    let stores: Stores;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ stores, dispose } = await make());
    });
    afterEach(() => dispose());

    const happened = (...events: NewEvent[]) => stores.events.append(events, NOW_MS);
    const takeAll = async (): Promise<void> => {
      while ((await stores.webhooks.take(messageOf, NOW_MS)) > 0);
    };
    const typesDue = async (nowMs = NOW_MS) => (await stores.webhooks.due(nowMs)).map(({ type }) => type);

    it('begins with the next event, and takes those of its kinds once', async () => {
      await happened(eventOf('BEFORE'));
      await stores.webhooks.put(CHAT, CHANGE);
      await happened(eventOf('A'), eventOf('B', 'device'), eventOf('C'));
      await takeAll();
      await takeAll();
      const { items } = await stores.webhooks.deliveries('chat', { limit: 9 });
      expect(items.map(({ type, state }) => [type, state])).toEqual([
        ['C', 'waiting'],
        ['A', 'waiting'],
      ]);
      expect(await stores.webhooks.due(NOW_MS)).toMatchObject([
        { webhook: 'chat', type: 'A', url: CHAT.url, secret: CHAT.secret, failures: 0 },
      ]);
    });

    it('passes any number of events that nobody wants', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await happened(...Array.from({ length: 1_200 }, () => eventOf('X', 'state')), eventOf('A'));
      await takeAll();
      expect(await typesDue()).toEqual(['A']);
    });

    it('keeps a failed delivery until its time, with its id, and counts the attempts', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await happened(eventOf('A'));
      await takeAll();
      const [first] = await stores.webhooks.due(NOW_MS);
      await stores.webhooks.tried(first?.id ?? '', FAILED, NOW_MS + 5_000, NOW_MS);
      expect(await stores.webhooks.due(NOW_MS + 4_999)).toEqual([]);
      expect(await stores.webhooks.nextDueMs()).toBe(NOW_MS + 5_000);
      expect(await stores.webhooks.due(NOW_MS + 5_000)).toEqual([{ ...first, failures: 1 }]);
      await stores.webhooks.tried(first?.id ?? '', FAILED, null, NOW_MS + 5_000);
      expect(await stores.webhooks.nextDueMs()).toBeNull();
      const [webhook] = await stores.webhooks.list();
      expect(webhook).toMatchObject({
        waiting: 0,
        last: { state: 'failed', attempts: 2, code: FAILED.code },
      });
    });

    it('holds no more than it may; what is over stays in the events table until there is room', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await happened(...Array.from({ length: MAX_WAITING + 3 }, (_, n) => eventOf(`E${n}`)));
      await takeAll();
      expect(await stores.webhooks.list()).toMatchObject([{ waiting: MAX_WAITING }]);
      const [first] = await stores.webhooks.due(NOW_MS);
      await stores.webhooks.tried(first?.id ?? '', TAKEN, null, NOW_MS);
      await takeAll();
      const { items } = await stores.webhooks.deliveries('chat', { limit: 1 });
      expect(items).toMatchObject([{ type: `E${MAX_WAITING}` }]);
    });

    it('forgets old deliveries, never one that waits', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await happened(...Array.from({ length: MAX_LOGGED + 5 }, () => eventOf('A')), eventOf('LAST'));
      await takeAll();
      for (let n = 0; n < MAX_LOGGED + 5; n += 1) {
        const [due] = await stores.webhooks.due(NOW_MS);
        await stores.webhooks.tried(due?.id ?? '', TAKEN, null, NOW_MS);
      }
      const { items } = await stores.webhooks.deliveries('chat', { limit: 500 });
      expect(items).toHaveLength(MAX_LOGGED + 1);
      expect(items[0]).toMatchObject({ type: 'LAST', state: 'waiting' });
    });

    it('has a slow webhook hold up no other one', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await stores.webhooks.put({ ...CHAT, name: 'pager' }, CHANGE);
      await happened(eventOf('A'), eventOf('B'));
      await takeAll();
      expect((await stores.webhooks.due(NOW_MS)).map(({ webhook, type }) => `${webhook} ${type}`)).toEqual([
        'chat A',
        'pager A',
      ]);
    });

    it('keeps the secret unless a new one is given, and audits without it', async () => {
      await stores.webhooks.put(CHAT, CHANGE);
      await stores.webhooks.put({ ...CHAT, url: 'https://b.test/', secret: null }, CHANGE);
      expect(await stores.webhooks.get('chat')).toMatchObject({
        secret: CHAT.secret,
        webhook: { url: 'https://b.test/', createdBy: 'ada' },
      });
      await stores.webhooks.tested('chat', { id: 'msg_t', type: 'WEBHOOK_TEST', body: '' }, FAILED, CHANGE);
      await stores.webhooks.remove('chat', CHANGE);
      const gone = expect.objectContaining({ code: 'WEBHOOK_UNKNOWN' });
      await expect(stores.webhooks.get('chat')).rejects.toEqual(gone);
      await expect(stores.webhooks.remove('chat', CHANGE)).rejects.toEqual(gone);
      const { items } = await stores.audit.list({ limit: 9 });
      expect(items.map(({ by, action }) => `${by} ${action}`)).toEqual([
        'person:ada webhook.delete',
        'person:ada webhook.test',
        'person:ada webhook.set',
        'person:ada webhook.set',
      ]);
      expect(JSON.stringify(items)).not.toContain('whsec_');
    });

    it('makes only so many', async () => {
      for (let n = 0; n < MAX_WEBHOOKS; n += 1) await stores.webhooks.put({ ...CHAT, name: `w${n}` }, CHANGE);
      const one = stores.webhooks.put(CHAT, CHANGE);
      await expect(one).rejects.toMatchObject({ code: 'TOO_MANY_WEBHOOKS' });
    });
  });
}
