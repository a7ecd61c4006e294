import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newWebhookSecret, testMessage } from '../webhooks/message.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver-fixture.ts';
import { type WebhookSenderParts, webhookSender } from './webhook-sender.ts';

const NEVER = new AbortController().signal;
const secret = newWebhookSecret();

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** Sends one message; the receiver's origin is allowed and resolves to loopback, unless a test says otherwise. */
async function send(changes: Partial<WebhookSenderParts> = {}, url = `${receiver.origin}/hook?a=1`) {
  const sender = webhookSender({
    allow: [receiver.origin],
    userAgent: 'ringfleet/test',
    clock: Date.now,
    ca: [receiver.ca],
    resolve: async () => ['127.0.0.1'],
    ...changes,
  });
  const message = testMessage('lab', 'chat', Date.now());
  return { message, outcome: await sender.send({ url, secret }, message, NEVER) };
}

describe('a webhook message', () => {
  it('is verified by another implementation of Standard Webhooks', async () => {
    const { message, outcome } = await send();
    expect(outcome).toEqual({ isTaken: true, status: 204 });
    const [got] = receiver.received;
    if (!got) throw new Error('nothing arrived');
    expect([got.path, got.body, got.headers['webhook-id']]).toEqual(['/hook?a=1', message.body, message.id]);
    const webhook = new Webhook(secret);
    expect(webhook.verify(got.body, { ...got.headers })).toMatchObject({
      type: 'WEBHOOK_TEST',
      data: { fleet: 'lab' },
    });
    expect(() => webhook.verify(`${got.body} `, { ...got.headers })).toThrow('No matching signature');
    const later = {
      ...got.headers,
      'webhook-timestamp': String(Number(got.headers['webhook-timestamp']) + 1),
    };
    expect(() => webhook.verify(got.body, later)).toThrow('No matching signature');
    expect(() => new Webhook(newWebhookSecret()).verify(got.body, { ...got.headers })).toThrow();
  });

  it.each([
    [301, 'WEBHOOK_REDIRECTED'],
    [307, 'WEBHOOK_REDIRECTED'],
    [400, 'WEBHOOK_NOT_TAKEN'],
    [503, 'WEBHOOK_NOT_TAKEN'],
  ])('that is answered %i is not taken, and nobody follows it', async (status, code) => {
    receiver.answers((_request, response) =>
      response.writeHead(status, { location: `${receiver.origin}/elsewhere` }).end(),
    );
    expect((await send()).outcome).toMatchObject({ isTaken: false, status, code });
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook?a=1']);
  });

  it('is given up when no answer begins, and stops reading one that never ends', async () => {
    receiver.answers(() => undefined);
    expect((await send({ deadlineMs: 100 })).outcome).toMatchObject({ code: 'WEBHOOK_TIMEOUT' });
    receiver.answers((_request, response) => {
      response.writeHead(200);
      const pour = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(64 * 1024), () => setImmediate(pour));
      };
      pour();
    });
    expect((await send()).outcome).toEqual({ isTaken: true, status: 200 });
  });

  it('goes to nobody whose certificate is not the name’s', async () => {
    const other = receiver.origin.replace('receiver.test', 'other.test');
    const { outcome } = await send({ allow: [other] }, `${other}/`);
    expect(outcome).toMatchObject({ code: 'WEBHOOK_UNREACHABLE' });
    expect((await send({ ca: [] })).outcome).toMatchObject({ code: 'WEBHOOK_UNREACHABLE' });
    expect(receiver.received).toEqual([]);
  });
});

describe('a webhook that is to reach into the network', () => {
  const forbidden = { isTaken: false, status: null, code: 'WEBHOOK_ADDRESS_FORBIDDEN' };

  it.each([
    ['a webhook to this machine', ['127.0.0.1']],
    ['a webhook to a link-local address', ['169.254.169.254']],
    ['a webhook to a private network', ['10.0.0.1']],
    ['a webhook to a private network beside the open internet', ['93.184.216.34', '10.0.0.1']],
    ['a webhook to this machine, in an IPv6 disguise', ['::ffff:127.0.0.1']],
  ])('%s', async (_case, addresses) => {
    const url = `https://receiver.test:8443/`;
    const { outcome } = await send({ allow: [], resolve: async () => addresses }, url);
    expect(outcome).toMatchObject(forbidden);
    expect(receiver.connections()).toBe(0);
  });

  it('a webhook of an allowed name that leads to a link-local address', async () => {
    const { outcome } = await send({ resolve: async () => ['169.254.169.254'] });
    expect(outcome).toMatchObject(forbidden);
  });

  it('a webhook whose name leads elsewhere a moment after it was checked', async () => {
    const asked: string[] = [];
    const resolve = async (host: string): Promise<readonly string[]> => {
      asked.push(host);
      return asked.length === 1 ? ['127.0.0.1'] : ['169.254.169.254'];
    };
    expect((await send({ resolve })).outcome).toMatchObject({ isTaken: true });
    // The system knows no receiver.test: the connection could only go to what was checked.
    expect(asked).toEqual(['receiver.test']);
    expect((await send({ resolve })).outcome).toMatchObject(forbidden);
    expect(receiver.connections()).toBe(1);
  });

  it('says that a name is unknown', async () => {
    const resolve = async () => Promise.reject(new Error('getaddrinfo ENOTFOUND'));
    expect((await send({ resolve })).outcome).toMatchObject({ code: 'WEBHOOK_UNREACHABLE', status: null });
  });
});
