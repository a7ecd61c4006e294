import { randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import {
  type Ack,
  buildTopic,
  downFilter,
  type Envelope,
  encodePayload,
  type Hello,
} from '@ringfleet/shared/protocol';
import { connectAsync, type MqttClient } from 'mqtt';
import { FLEET, type SimulatedDevice } from '../ingest/fleet-folder.ts';
import { heartbeat } from '../ingest/heartbeat.ts';
import { answerAsked } from './answer-asked.ts';

/** What the worker is asked. `send`: so many heartbeats of each device, so many unacknowledged at once. */
export type DevicesAsked =
  | {
      readonly kind: 'connect';
      readonly url: string;
      readonly ca: string;
      readonly digest: string;
      readonly devices: readonly SimulatedDevice[];
    }
  | { readonly kind: 'send'; readonly reports: number; readonly window: number };

export interface DevicesAnswer {
  /** Heartbeats that the server has said to have stored, end to end. */
  readonly acknowledged: number;
  /** By device: everything up to this number. */
  readonly storedUpTo: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly isCutOff: boolean;
}

interface Link {
  readonly id: string;
  readonly client: MqttClient;
  seq: number;
  storedUpTo: number;
  /** Told of every acknowledgement, and of the end of the connection. */
  heard: () => void;
}

const JOURNAL = randomUUID();
const CAPABILITIES: Hello['capabilities'] = {
  ...{ agentVersion: '0.1.0', arch: 'x64', os: 'linux', hostname: 'bench', cpus: 1, memoryBytes: 1e9 },
  ...{ diskFreeBytes: 1e9, runtime: { name: 'ort', version: '1.30.0' }, providers: [] },
};
const links: Link[] = [];
let digest = '';
let bytes = 0;

/** Devices that speak the real protocol over mTLS, in a process of their own: what they cost is not the server's. */
answerAsked<DevicesAsked, DevicesAnswer>(async (asked) => {
  if (asked.kind === 'connect') {
    digest = asked.digest;
    for (const device of asked.devices) links.push(await connected(asked, device));
  } else {
    await Promise.all(links.map((link) => send(link, asked)));
  }
  return {
    acknowledged: links.reduce((sum, { storedUpTo }) => sum + storedUpTo, 0),
    storedUpTo: Object.fromEntries(links.map(({ id, storedUpTo }) => [id, storedUpTo])),
    bytes,
    isCutOff: links.some(({ client }) => !client.connected),
  };
});

async function connected(
  asked: DevicesAsked & { kind: 'connect' },
  { id, key, cert }: SimulatedDevice,
): Promise<Link> {
  const client = await connectAsync(asked.url, {
    ...{ key, cert, ca: asked.ca, clientId: id, protocolVersion: 4, clean: true, reconnectPeriod: 0 },
  });
  const link: Link = { id, client, seq: 0, storedUpTo: 0, heard: () => undefined };
  client.on('message', (topic, payload) => {
    if (!topic.endsWith('/ack')) return;
    link.storedUpTo = Math.max(link.storedUpTo, (JSON.parse(payload.toString()) as Ack).storedUpTo);
    link.heard();
  });
  client.on('close', () => link.heard());
  client.on('error', () => undefined);
  await client.subscribeAsync(downFilter(FLEET, id), { qos: 1 });
  const hello: Hello = {
    ...{
      v: 1,
      at: Date.now(),
      journal: JOURNAL,
      start: 1,
      instance: randomUUID(),
      capabilities: CAPABILITIES,
    },
    ...{ generation: 0, models: [], oldest: { state: 1, event: 1, tele: 1 } },
  };
  await publish(link, 'hello', hello);
  return link;
}

/** Goes on while the connection lives: what is unacknowledged when it ends is nobody's loss but the sender's. */
async function send(link: Link, { reports, window }: { reports: number; window: number }): Promise<void> {
  const last = link.seq + reports;
  while (link.storedUpTo < last && link.client.connected) {
    while (link.seq < last && link.seq - link.storedUpTo < window) {
      link.seq += 1;
      const atMs = Date.now();
      const envelope: Envelope = {
        ...{ v: 1, id: { journal: JOURNAL, start: 1, stream: 'tele', seq: link.seq }, at: atMs },
        body: heartbeat(digest, atMs - 300_000, link.seq),
      };
      publish(link, 'tele', envelope).catch(() => undefined);
    }
    await new Promise<void>((resolve) => {
      link.heard = resolve;
      if (!link.client.connected) resolve();
    });
  }
}

async function publish(
  { client, id }: Link,
  kind: 'hello' | 'tele',
  message: Hello | Envelope,
): Promise<void> {
  const payload = Buffer.from(encodePayload(message, (plain) => deflateRawSync(plain)));
  if (kind === 'tele') bytes += payload.length;
  await client.publishAsync(buildTopic({ fleet: FLEET, device: id, direction: 'up', kind }), payload, {
    qos: 1,
  });
}
