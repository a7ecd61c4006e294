import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStores } from '../adapters/store-sqlite/index.ts';
import { webhookSender } from '../adapters/webhook-sender.ts';
import { SILENT } from '../ports/log.ts';
import { CHANGE } from '../ports/stores.contract.ts';
import { newWebhookSecret } from './message.ts';
import { type Receiver, startReceiver } from './receiver-fixture.ts';
import { startWebhooks } from './worker.ts';

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

let folder: string;
let stores: ReturnType<typeof openStores>;
let receiver: Receiver;
let nowMs: number;
let worker: { stop(): Promise<void> };
beforeEach(async () => {
  nowMs = Date.now();
  folder = await mkdtemp(join(tmpdir(), 'ringfleet-webhook-worker-'));
  stores = openStores(folder, { log: SILENT });
  receiver = await startReceiver();
  await hook('chat');
  worker = start();
});
afterEach(async () => {
  await worker.stop();
  stores.close();
  await receiver.close();
  await rm(folder, { recursive: true });
});

const hook = (name: string, url = `${receiver.origin}/${name}`) =>
  stores.webhooks.put({ name, url, kinds: ['rollout'], secret: newWebhookSecret() }, CHANGE);

function start() {
  const clock = () => nowMs;
  const sender = webhookSender({
    allow: [receiver.origin],
    userAgent: 'ringfleet/test',
    clock,
    ca: [receiver.ca],
    resolve: async () => ['127.0.0.1'],
  });
  return startWebhooks({ stores, sender, fleet: 'lab', clock, log: SILENT, random: () => 0.5 });
}

const happened = (code: string) =>
  stores.events.append(
    [{ kind: 'rollout', code, sentence: 's', device: null, model: 'tiny', rollout: 'r', data: { n: 1 } }],
    nowMs,
  );
const got = () => receiver.received.map(({ path, body }) => `${path} ${JSON.parse(body).type}`);
const ids = () => receiver.received.map(({ headers }) => headers['webhook-id']);

describe('the webhook worker', () => {
  it('tells each event in order, with everything the events table says', async () => {
    for (const code of ['A', 'B', 'C']) await happened(code);
    await until(() => expect(got()).toEqual(['/chat A', '/chat B', '/chat C']));
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual({
      type: 'A',
      timestamp: new Date(nowMs).toISOString(),
      data: {
        fleet: 'lab',
        seq: 1,
        kind: 'rollout',
        code: 'A',
        sentence: 's',
        device: null,
        model: 'tiny',
        rollout: 'r',
        data: { n: 1 },
      },
    });
  });

  it('tries again with the same id and body when its time has come, and not before', async () => {
    receiver.answers((_request, response) => response.writeHead(503).end());
    await happened('A');
    await until(async () =>
      expect(await stores.webhooks.list()).toMatchObject([{ last: { attempts: 1, status: 503 } }]),
    );
    receiver.answers((_request, response) => response.writeHead(200).end());
    await happened('B');
    await until(() => expect(got()).toEqual(['/chat A', '/chat B']));
    nowMs += 5_000;
    await happened('C');
    await until(() => expect(got()).toHaveLength(4));
    expect(got().toSorted()).toEqual(['/chat A', '/chat A', '/chat B', '/chat C']);
    const again = receiver.received.filter(({ body }) => JSON.parse(body).type === 'A');
    expect(again[0]?.body).toBe(again[1]?.body);
    expect(new Set(ids()).size).toBe(3);
  });

  it('gives up in the end, and goes on with what came later', async () => {
    receiver.answers((_request, response) => response.writeHead(500).end());
    await happened('A');
    for (let attempts = 1; attempts <= 9; attempts += 1) {
      await until(async () => {
        expect(
          (await stores.webhooks.deliveries('chat', { limit: 99 })).items.find(({ type }) => type === 'A'),
        ).toMatchObject({ attempts });
      });
      nowMs += 15 * 3_600_000;
      await happened(`later ${attempts}`);
    }
    const { items } = await stores.webhooks.deliveries('chat', { limit: 99 });
    expect(items.at(-1)).toMatchObject({
      type: 'A',
      state: 'failed',
      code: 'WEBHOOK_NOT_TAKEN',
      nextAtMs: null,
    });
  });

  it('lets a receiver that hangs hold up nobody but itself', async () => {
    await hook('pager');
    receiver.answers((request, response) => {
      if (request.url !== '/chat') response.writeHead(204).end();
    });
    await happened('A');
    await happened('B');
    await until(() => expect(got().toSorted()).toEqual(['/chat A', '/pager A', '/pager B']));
  });

  it('sends again after a restart what it could not finish, under the same id', async () => {
    receiver.answers(() => undefined);
    await happened('A');
    await until(() => expect(receiver.received).toHaveLength(1));
    await worker.stop();
    expect(await stores.webhooks.list()).toMatchObject([{ waiting: 1, last: null }]);
    receiver.answers((_request, response) => response.writeHead(204).end());
    worker = start();
    await until(() => expect(receiver.received).toHaveLength(2));
    expect(new Set(ids()).size).toBe(1);
    await until(async () =>
      expect(await stores.webhooks.list()).toMatchObject([{ waiting: 0, last: { state: 'delivered' } }]),
    );
  });
});
