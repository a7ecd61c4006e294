import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { connectAsync, type MqttClient } from 'mqtt';
import { writeToStream } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPlainChildRuntime } from '../adapters/runner-child.ts';
import type { Runner } from '../ports/runtime.ts';
import { makeTinySlot } from '../runner/tiny-slot.fixture.ts';
import { createRouter, type ServingRouter } from '../serving/router.ts';
import { until } from '../supervisor/agent-lab.fixture.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { type Streams, startStreams } from './start-streams.ts';
import type { StreamConfig } from './stream-config.ts';

const log = { debug: () => undefined, warn: () => undefined };
let dir: string;
let broker: Aedes;
let server: Server;
let url: string;
let runner: Runner;
let router: ServingRouter;
let client: MqttClient;
let streams: Streams | undefined;
let answers: { outputs: { probabilities: number[] }; topic: string; version: string }[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streams-'));
  broker = await Aedes.createBroker();
  server = createServer((socket) => broker.handle(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const spec = await makeTinySlot({ slotDir: join(dir, 'slot') });
  const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
  runner = await runtime.start(spec, new AbortController().signal);
  router = createRouter();
  router.route('tiny', runner);
  client = await connectAsync(url, { protocolVersion: 4 });
  client.on('message', (_, payload) => answers.push(JSON.parse(payload.toString())));
  await client.subscribeAsync('answers');
});
afterEach(async () => {
  await streams?.stop();
  answers = [];
});
afterAll(async () => {
  await client.endAsync(true);
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  server.close();
  await runner.stop(0);
  await rm(dir, { recursive: true, force: true });
});

async function start(over: Partial<StreamConfig>): Promise<Streams> {
  const subscribed = once(broker, 'subscribe');
  const config = { broker: url, topic: 'line/+/reading', model: 'tiny', output: 'answers', ...over };
  streams = startStreams([config], { router, log });
  await subscribed;
  return streams;
}
const bests = (): number[] =>
  answers.map(({ outputs }) => outputs.probabilities.indexOf(Math.max(...outputs.probabilities)));

/** Where mqtt-packet keeps the length of an answer with so many bytes. */
function poolOfLength(bytes: number): ArrayBufferLike | undefined {
  const written: Buffer[] = [];
  const sink = { write: (part: Buffer) => written.push(part) > 0 } as unknown as NodeJS.WritableStream;
  const payload = Buffer.alloc(bytes);
  writeToStream({ cmd: 'publish', topic: 'answers', payload, qos: 0, dup: false, retain: false }, sink);
  return written[1]?.buffer;
}

describe('a stream', () => {
  it('marks a prediction whose values broke their schema, and answers none that are refused', async () => {
    const spec = await makeTinySlot({
      slotDir: join(dir, 'checked'),
      change: (manifest) => ({
        ...manifest,
        features: [
          {
            name: 'speed',
            input: 'features',
            kind: 'numeric',
            index: 0,
            expect: { max: 5, onViolation: 'degrade' },
          },
          {
            name: 'load',
            input: 'features',
            kind: 'numeric',
            index: 1,
            expect: { max: 5, onViolation: 'reject' },
          },
        ],
      }),
    });
    const runtime = createPlainChildRuntime({ runDir: join(dir, 'run'), log });
    const checked = await runtime.start(spec, new AbortController().signal);
    router.route('checked', checked);
    const running = await start({ model: 'checked', json: { features: 'values' } });
    for (const values of [
      [1, 9, 0, 0],
      [9, 1, 0, 0],
    ]) {
      await client.publishAsync('line/1/reading', JSON.stringify({ values }));
    }
    await until('one prediction', () => answers.length === 1);
    expect(answers[0]).toMatchObject({ degraded: [{ feature: 'speed', reason: 'outOfRange' }] });
    expect(running.counts()).toMatchObject([{ answered: 1, failed: 1 }]);
    router.forget('checked');
    await checked.stop(0);
  });

  it('answers JSON messages by the paths of its inputs, in order', async () => {
    await start({ json: { features: 'sensor.0.values' } });
    for (const values of [
      [9, 0, 0, 0],
      [0, 9, 0, 0],
      [0, 0, 9, 0],
    ])
      await client.publishAsync('line/7/reading', JSON.stringify({ sensor: [{ values }] }));
    await until('the answers came', () => answers.length === 3);
    expect(bests()).toEqual([0, 1, 2]);
    expect(answers[0]).toMatchObject({ version: '1.0.0', topic: 'line/7/reading' });
  });

  it('leaves no pool of memory behind for each new length of an answer', async () => {
    await start({ json: { features: 'values' } });
    await client.publishAsync('line/7/reading', JSON.stringify({ values: [9, 0, 0, 0] }));
    await until('the answer came', () => answers.length === 1);
    const answer = JSON.stringify(answers[0]);
    const near = answer.length + (answer.length % 2 === 0 ? -1 : 1);
    const before = poolOfLength(answer.length);
    for (let used = 0; used < Buffer.poolSize; used += 4096) Buffer.allocUnsafe(4096);
    expect(poolOfLength(near) === before).toBe(true);
  });

  it('answers binary messages, and goes on after one that does not fit', async () => {
    const streams = await start({ binary: 'features' });
    await client.publishAsync('line/1/reading', Buffer.of(1, 2, 3));
    await client.publishAsync('line/1/reading', Buffer.alloc(20));
    await client.publishAsync('line/1/reading', Buffer.from(Float32Array.of(0, 0, 9, 0).buffer));
    await until('the answers came', () => answers.length === 1);
    expect(bests()).toEqual([2]);
    expect(streams.counts()).toEqual([{ answered: 1, failed: 2, dropped: 0 }]);
    expect((await runner.counts()).failures).toBe(0);
  });

  it('keeps what is newest where more comes than the model answers', async () => {
    const streams = await start({ binary: 'features', maxPending: 2 });
    for (let i = 0; i < 200; i++)
      client.publish(
        'line/1/reading',
        Buffer.from(Float32Array.of(i === 199 ? 0 : 9, i === 199 ? 9 : 0, 0, 0).buffer),
      );
    await until('the answers came', () => bests().at(-1) === 1);
    const [counts] = streams.counts();
    expect((counts?.answered ?? 0) + (counts?.dropped ?? 0)).toBe(200);
    expect(counts?.dropped).toBeGreaterThan(0);
  });
});

it('a full queue drops the end that it was told to', () => {
  const kept = (drop: 'oldest' | 'newest'): unknown[] => {
    const queue = new BoundedQueue<number>(2, drop);
    for (const item of [1, 2, 3]) queue.push(item);
    return [queue.take(), queue.take(), queue.take(), queue.dropped];
  };
  expect(kept('oldest')).toEqual([2, 3, undefined, 1]);
  expect(kept('newest')).toEqual([1, 2, undefined, 1]);
});
