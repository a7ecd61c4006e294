import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Ack, Envelope, Hello, ReportsReply, ReportsRequest } from '@ringfleet/shared/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JournalClient } from '../adapters/journal-client.ts';
import type { Bus } from '../ports/bus.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import { until } from './agent-lab.fixture.ts';
import { Uplink } from './uplink.ts';

const hello = { v: 1 } as Hello;

/** A server that stores what reaches it and acknowledges when it is told to. */
class FakeServer implements Bus {
  isConnected = false;
  acknowledges = true;
  isHttpUp = false;
  hellos = 0;
  readonly received: string[] = [];
  readonly stored = new Set<string>();
  onAck: (ack: Ack) => void = () => undefined;

  start(): void {}
  async stop(): Promise<void> {}
  async hello(): Promise<void> {
    this.hellos += 1;
  }
  async report(envelope: Envelope): Promise<void> {
    if (!this.isConnected) throw new CodedError('SERVER_UNREACHABLE');
    this.#take(envelope);
    if (this.acknowledges) setImmediate(() => this.onAck(ackOf(envelope)));
  }
  readonly api = {
    reports: async (request: ReportsRequest): Promise<ReportsReply> => {
      if (!this.isHttpUp) throw new CodedError('SERVER_UNREACHABLE');
      if (request.hello) this.hellos += 1;
      for (const one of request.reports) this.#take(one);
      return { v: 1, acks: request.reports.slice(-1).map(ackOf) };
    },
  } as unknown as DeviceApi;

  #take({ id }: Envelope): void {
    const key = `${id.start}/${id.stream}/${id.seq}`;
    this.received.push(key);
    this.stored.add(key);
  }
}
const ackOf = ({ id }: Envelope): Ack => ({
  v: 1,
  journal: id.journal,
  start: id.start,
  stream: id.stream,
  storedUpTo: id.seq,
  quarantined: [],
});

let dir: string;
let journal: JournalClient;
let server: FakeServer;
let uplink: Uplink;
let nowMs: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rf-uplink-'));
  journal = (await JournalClient.open({ stateDir: dir, maxOutboxBytes: 1e7, fleet: 'lab', device: 'd-1' }))
    .client;
  server = new FakeServer();
  nowMs = 1_000;
  // Time passes only in sleeps, and sleeps last a moment.
  const clock = {
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: async (ms: number, signal: AbortSignal) => {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          nowMs += ms;
          resolve();
        }, 5);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
  uplink = new Uplink({
    journal,
    bus: server,
    api: server.api,
    clock,
    log: pino({ level: 'silent' }),
    hello: () => Promise.resolve(hello),
  });
  server.onAck = (ack) => void uplink.acknowledged(ack);
  uplink.start();
});
afterEach(async () => {
  await uplink.stop();
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});

async function write(count: number): Promise<void> {
  const body = { kind: 'lifecycle', severity: 'info', code: 'COMMAND_DONE', message: '' } as const;
  for (let i = 0; i < count; i += 1) await journal.save({ atMs: i, reports: [{ stream: 'event', body }] });
  uplink.kick();
}
function connect(): void {
  server.isConnected = true;
  uplink.connected();
}
const isEmpty = async (): Promise<boolean> => (await journal.stats()).rows === 0;

it('sends everything once over MQTT, in order, and keeps nothing that was acknowledged', async () => {
  await write(150);
  connect();
  await until('the outbox is empty', isEmpty);
  expect(server.received).toEqual(Array.from({ length: 150 }, (_, i) => `1/event/${i + 1}`));
  expect(server.hellos).toBe(1);
});

it('sends the same reports under the same numbers until they are acknowledged', async () => {
  server.acknowledges = false;
  await write(2);
  connect();
  await until('both were sent twice', () => server.received.length >= 4);
  expect([...server.stored]).toEqual(['1/event/1', '1/event/2']);
  expect((await journal.stats()).rows).toBe(2);
  server.acknowledges = true;
  await until('the outbox is empty', isEmpty);
});

it('keeps reports while nobody can be reached and sends them when the link is back', async () => {
  await write(3);
  await until('some time passed', () => nowMs > 60_000);
  expect(server.received).toEqual([]);
  connect();
  await until('the outbox is empty', isEmpty);
  expect(server.received).toHaveLength(3);
});

it('goes over HTTP with a hello when MQTT is blocked', async () => {
  server.isHttpUp = true;
  await write(3);
  await until('the outbox is empty', isEmpty);
  expect([...server.stored]).toEqual(['1/event/1', '1/event/2', '1/event/3']);
  expect(server.hellos).toBe(1);
});
