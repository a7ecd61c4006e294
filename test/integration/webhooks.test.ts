import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LiveFleet } from './live-fleet.ts';

const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 50 });

interface Got {
  readonly id: string;
  readonly ring: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let receiver: Server;
let origin: string;
let fleet: LiveFleet;
let isAnswering: boolean;
const got: Got[] = [];
beforeEach(async () => {
  got.length = 0;
  isAnswering = true;
  receiver = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const headers = request.headers as Record<string, string>;
    const { data } = JSON.parse(body) as { data: { sentence: string } };
    got.push({ id: headers['webhook-id'] ?? '', ring: data.sentence, headers, body });
    if (isAnswering) response.writeHead(204).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  fleet = await LiveFleet.start({ webhooks: { allow: [origin] } });
});
afterEach(async () => {
  await fleet.stop();
  receiver.closeAllConnections();
  receiver.close();
});

const ring = (name: string, order: number) =>
  fleet.must('ring', 'set', name, '--order', String(order), '--selector', `stage=${name}`);

it('a webhook gets every event although the server is killed while it tells of one', async () => {
  const secret = (await fleet.must('webhook', 'set', 'chat', `${origin}/hook`, '--kind', 'ring')).trim();
  await fleet.must('webhook', 'test', 'chat');
  isAnswering = false;
  await ring('first', 1);
  await until(() => expect(got).toHaveLength(2));
  await ring('second', 2);
  await fleet.killServer();
  isAnswering = true;
  await fleet.startServer();
  await until(() => expect(got).toHaveLength(4));
  const [, cut, again, second] = got;
  // The same message, so that a receiver that had it knows; nothing is left out.
  expect([again?.id, again?.body]).toEqual([cut?.id, cut?.body]);
  expect(second?.ring).toContain('second');
  for (const { headers, body } of got) new Webhook(secret).verify(body, headers);
  expect(await fleet.must('webhook', 'log', 'chat')).toMatch(/RING_\w+ +delivered +1/);
});
