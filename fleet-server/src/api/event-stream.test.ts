import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENT } from '../ports/log.ts';
import type { NewEvent } from '../ports/stores.ts';
import { EventStreams } from './event-stream.ts';
import { ADMIN, NOW_MS, openPeople, type PeopleFixture } from './people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
  await people.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => people.close());

const event = (sentence: string): NewEvent => ({
  kind: 'device',
  code: 'DEVICE_CONNECTED',
  sentence,
  device: 'd1',
  model: null,
  rollout: null,
  data: {},
});
const append = (...sentences: string[]) => people.stores.events.append(sentences.map(event), NOW_MS);

/** A reader over a real socket: its response, and the frames as they come. */
async function follow(headers: Record<string, string> = {}): Promise<{
  response: IncomingMessage;
  next(): Promise<{ id: number; sentence: string }>;
}> {
  const { port } = people.app.server.address() as AddressInfo;
  const request = get({ host: '127.0.0.1', port, path: '/api/v1/events', headers: { ...ADMIN, ...headers } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const frames = framesOf(response);
  return {
    response,
    next: async () => {
      const { value } = await frames.next();
      const id = Number(/^id: (\d+)$/m.exec(value ?? '')?.[1]);
      return { id, sentence: JSON.parse(/^data: (.*)$/m.exec(value ?? '')?.[1] ?? '{}').sentence };
    },
  };
}

async function* framesOf(response: IncomingMessage): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    yield* parts.filter((part) => part.includes('data: '));
  }
  return undefined;
}

describe('live events', () => {
  it('begin now and bring what is committed from then on', async () => {
    await append('before');
    const reader = await follow();
    expect(reader.response.headers['content-type']).toContain('text/event-stream');
    await append('first', 'second');
    expect((await reader.next()).sentence).toBe('first');
    expect((await reader.next()).sentence).toBe('second');
    reader.response.destroy();
  });

  it('go on after the Last-Event-ID of a reader that was away, without a gap and without a repeat', async () => {
    const reader = await follow();
    await append('one');
    const last = await reader.next();
    reader.response.destroy();
    await append('two', 'three');

    const again = await follow({ 'last-event-id': String(last.id) });
    expect(await again.next()).toEqual({ id: last.id + 1, sentence: 'two' });
    expect((await again.next()).sentence).toBe('three');
    await append('four');
    expect((await again.next()).sentence).toBe('four');
    again.response.destroy();
  });

  it('bring more events than fit into one batch', async () => {
    const reader = await follow();
    await append(...Array.from({ length: 450 }, (_, i) => `event ${i}`));
    for (let i = 0; i < 450; i++) expect((await reader.next()).sentence).toBe(`event ${i}`);
    reader.response.destroy();
  });

  it('end when the server stops', async () => {
    const { response } = await follow();
    const ended = once(response.resume(), 'close');
    await people.app.close();
    await ended;
    expect(response.readableEnded || response.destroyed).toBe(true);
  });

  it('are looked up newest first, by device and page by page', async () => {
    await append('one', 'two', 'three');
    const page = await people.ask('GET', '/api/v1/events/history?device=d1&limit=2');
    const { items, next } = page.json<{ items: { sentence: string }[]; next: string }>();
    expect(items.map((item) => item.sentence)).toEqual(['three', 'two']);
    const rest = await people.ask('GET', `/api/v1/events/history?device=d1&limit=2&cursor=${next}`);
    expect(rest.json()).toMatchObject({ items: [{ sentence: 'one' }], next: null });
    expect((await people.ask('GET', '/api/v1/events/history?limit=501')).json()).toMatchObject({
      code: 'API_REQUEST_INVALID',
      at: 'query/limit',
    });
  });
});

describe('a reader of live events', () => {
  /** One reader of the stores' events under these limits; `done` resolves when the server has let it go. */
  async function serve(limits: { heartbeatMs: number; slowReaderMs: number }) {
    const streams = new EventStreams(people.stores.events, SILENT, limits);
    const done = Promise.withResolvers<void>();
    const server = createServer(
      (_req, res: ServerResponse) => void streams.run(res, 0).finally(() => done.resolve()),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const [response] = (await once(
      get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      'response',
    )) as [IncomingMessage];
    return { response, done: done.promise, close: () => server.close() };
  }

  it('is sent a comment now and then, so that proxies keep the line open', async () => {
    const { response, close } = await serve({ heartbeatMs: 20, slowReaderMs: 1_000 });
    let text = '';
    for await (const chunk of response) {
      text += String(chunk);
      if (text.includes(':\n\n:\n\n')) break;
    }
    expect(text).toContain(':\n\n');
    close();
  });

  it('is dropped when it does not read, before it costs memory', async () => {
    await append(...Array.from({ length: 3_000 }, () => 'x'.repeat(4_000)));
    const { response, done, close } = await serve({ heartbeatMs: 10_000, slowReaderMs: 50 });
    response.pause();
    await done;
    response.destroy();
    close();
  });
});
