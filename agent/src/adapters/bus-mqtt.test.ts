import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { Ack, Desired, Envelope, Hello } from '@ringfleet/shared/protocol';
import { Aedes } from 'aedes';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../supervisor/agent-lab.fixture.ts';
import { MqttBus } from './bus-mqtt.ts';
import type { Identity } from './identity.ts';
import { makeTestCa, type TestCertificate } from './test-ca.fixture.ts';

let broker: Aedes;
let server: Server;
let port: number;
let certificate: TestCertificate;
let identity: Identity;
let bus: MqttBus;
let seen: { topic: string; payload: string }[];
let desired: Desired[];
let acks: Ack[];
let changes: string[];
let notices: string[];
let failures: string[];
let log: { msg: string; waitMs?: number }[];

async function open(at: number): Promise<void> {
  broker = await Aedes.createBroker();
  broker.on('publish', (packet, client) => {
    if (client) seen.push({ topic: packet.topic, payload: packet.payload.toString() });
  });
  const options = { cert: certificate.certificate, key: certificate.key, ca: identity.caPem };
  server = createServer({ ...options, requestCert: true, rejectUnauthorized: true }, (socket) =>
    broker.handle(socket),
  );
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
}
async function shut(): Promise<void> {
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
const say = (topic: string, message: string): void => {
  broker.publish(
    {
      cmd: 'publish',
      topic: `rf/1/lab/d-1/dn/${topic}`,
      payload: message,
      qos: 1,
      dup: false,
      retain: false,
    },
    () => undefined,
  );
};

beforeEach(async () => {
  [seen, desired, acks, changes, notices, failures, log] = [[], [], [], [], [], [], []];
  const ca = await makeTestCa('lab');
  certificate = await ca.issue('server', '127.0.0.1');
  const own = await ca.issue('d-1');
  identity = {
    v: 1,
    fleet: 'lab',
    device: 'd-1',
    apiUrl: 'https://127.0.0.1:1',
    mqttUrl: 'mqtts://127.0.0.1:1',
    notAfter: 0,
    keyPem: own.key,
    certificatePem: own.certificate,
    caPem: ca.pem,
  };
  await open(0);
  bus = new MqttBus({
    identity,
    mqttUrl: `mqtts://127.0.0.1:${port}`,
    apiUrl: identity.apiUrl,
    maxReconnectMs: 100,
    answerMs: 500,
    nowMs: () => Date.now(),
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) }),
  });
  bus.start({
    connected: () => changes.push('connected'),
    disconnected: () => changes.push('disconnected'),
    failed: (err) => failures.push((err as { code?: string }).code ?? String(err)),
    desired: (one) => desired.push(one),
    ack: (one) => acks.push(one),
    command: () => undefined,
    notice: (kind, { code }) => notices.push(`${kind} ${code}`),
  });
  await until('it is connected', () => bus.isConnected);
});
afterEach(async () => {
  await bus.stop();
  await shut();
});

const topics = (): string[] => seen.map((one) => one.topic);
const envelope: Envelope = {
  v: 1,
  id: { journal: '00000000-0000-0000-0000-000000000000', start: 1, stream: 'event', seq: 1 },
  at: 1,
  body: { message: 'x'.repeat(2_000) },
};

it('says that it is there, who it is and what happened, each on its topic', async () => {
  await bus.hello({ v: 1 } as Hello);
  await bus.report(envelope);
  expect(topics()).toEqual(['status', 'hello', 'event'].map((kind) => `rf/1/lab/d-1/up/${kind}`));
  expect(JSON.parse(seen[0]?.payload ?? '')).toEqual({ v: 1, isOnline: true });
  // Long messages are packed.
  expect(seen[2]?.payload.length).toBeLessThan(500);
});

it('takes what fits its schema and drops the rest', async () => {
  say('desired', 'not json');
  say('desired', '{"v":1,"generation":-1}');
  say('ack', '{"v":1}');
  say('desired', '{"v":1,"generation":7,"new":"field"}');
  const ack: Ack = {
    v: 1,
    journal: envelope.id.journal,
    start: 1,
    stream: 'event',
    storedUpTo: 3,
    quarantined: [],
  };
  say('ack', JSON.stringify(ack));
  await until('both arrived', () => desired.length > 0 && acks.length > 0);
  expect(desired).toMatchObject([{ generation: 7 }]);
  expect(acks).toEqual([ack]);
});

it('comes back by itself when the server was away', async () => {
  const at = port;
  await shut();
  await until('it noticed', () => !bus.isConnected);
  await expect(bus.report(envelope)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  await open(at);
  await until('it is back', () => bus.isConnected);
  expect(changes).toEqual(['connected', 'disconnected', 'connected']);
});

it('leaves its last will when the connection breaks', async () => {
  seen = [];
  for (const client of Object.values(
    (broker as unknown as { clients: Record<string, { conn: { destroy(): void } }> }).clients,
  )) {
    client.conn.destroy();
  }
  broker.on('publish', (packet) => {
    if (packet.topic.endsWith('/up/status')) seen.push({ topic: 'will', payload: packet.payload.toString() });
  });
  await until('the will arrived', () => seen.some((one) => one.payload === '{"v":1,"isOnline":false}'));
});

it('passes on why it is refused, and comes back much later than after a lost connection', async () => {
  const notice = { code: 'CLONED_DEVICE', reason: 'Two running agents use the same device identity.' };
  say('desired', JSON.stringify({ v: 1, generation: 0, warning: notice }));
  say('desired', JSON.stringify({ v: 1, generation: 0, refused: notice }));
  await until('both arrived', () => notices.length === 2);
  expect(notices).toEqual(['warning CLONED_DEVICE', 'refused CLONED_DEVICE']);
  // Neither is a word about what to run.
  expect(desired).toEqual([]);
  await shut();
  await until('it noticed', () => !bus.isConnected);
  expect(log.find(({ msg }) => msg === 'mqtt disconnected')?.waitMs).toBeGreaterThanOrEqual(30_000);
  await open(port);
});

it('gives up a connection that is open and dead, and connects anew', async () => {
  const { authorizePublish } = broker;
  // It takes everything and answers nothing, as a firewall does that forgot the connection.
  broker.authorizePublish = () => undefined;
  await expect(bus.report(envelope)).rejects.toMatchObject({ code: 'SERVER_SILENT' });
  expect(changes).toEqual(['connected', 'disconnected']);
  expect(failures).toContain('SERVER_SILENT');
  broker.authorizePublish = authorizePublish;
  await until('it is connected again', () => bus.isConnected);
  await bus.report(envelope);
});
