import { randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
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

const JOURNAL = randomUUID();
const CAPABILITIES: Hello['capabilities'] = {
  ...{ agentVersion: '0.1.0', arch: 'x64', os: 'linux', hostname: 'bench', cpus: 1, memoryBytes: 1e9 },
  ...{ diskFreeBytes: 1e9, runtime: { name: 'ort', version: '1.30.0' }, providers: [] },
};
const CONNECT_MS = 30_000;

/** Where to, and what its heartbeats count for. */
export interface Server {
  readonly url: string;
  readonly ca: string;
  readonly digest: string;
}

/** One device that speaks the real protocol over mTLS: it says hello, sends heartbeats and waits for their acknowledgements. */
export class SimulatedLink {
  readonly id: string;
  seq = 0;
  storedUpTo = 0;
  bytes = 0;
  /** Whether the last handshake was a resumed one. */
  isResumed = false;
  readonly #device: SimulatedDevice;
  readonly #instance = randomUUID();
  #client: MqttClient | null = null;
  #session: Buffer | undefined;
  #heard: () => void = () => undefined;

  constructor(device: SimulatedDevice) {
    this.id = device.id;
    this.#device = device;
  }

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  /** Resolves when the server has taken the hello. */
  async connect({ url, ca }: Server): Promise<void> {
    const { id, key, cert } = this.#device;
    const client = await connectAsync(
      url,
      {
        ...{ key, cert, ca, clientId: id, protocolVersion: 4, clean: true, reconnectPeriod: 0 },
        ...{ keepalive: 240, connectTimeout: CONNECT_MS },
        ...(this.#session ? { session: this.#session } : {}),
      },
      false,
    );
    this.#client = client;
    const socket = client.stream as unknown as TLSSocket;
    this.isResumed = socket.isSessionReused();
    client.on('message', (topic, payload) => {
      if (!topic.endsWith('/ack')) return;
      const { storedUpTo } = JSON.parse(payload.toString()) as Ack;
      this.storedUpTo = Math.max(this.storedUpTo, storedUpTo);
      this.#heard();
    });
    client.on('close', () => this.#heard());
    client.on('error', () => undefined);
    await client.subscribeAsync(downFilter(FLEET, id), { qos: 1 });
    await this.#publish('hello', {
      ...{ v: 1, at: Date.now(), journal: JOURNAL, start: 1, instance: this.#instance },
      ...{ capabilities: CAPABILITIES, generation: 0, models: [], oldest: { state: 1, event: 1, tele: 1 } },
    });
    // The ticket has come by now.
    this.#session = socket.getSession() ?? this.#session;
  }

  /**
   * Sends so many heartbeats, `window` of them unacknowledged at once, and resolves when all are stored or the connection
   * has ended: what is unacknowledged then is nobody's loss but the sender's.
   */
  async send(digest: string, reports: number, window: number): Promise<void> {
    const last = this.seq + reports;
    while (this.storedUpTo < last && this.isConnected) {
      while (this.seq < last && this.seq - this.storedUpTo < window) {
        this.seq += 1;
        this.#beat(digest, this.seq);
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
        if (!this.isConnected) resolve();
      });
    }
  }

  #beat(digest: string, seq: number): void {
    const atMs = Date.now();
    const envelope: Envelope = {
      ...{ v: 1, id: { journal: JOURNAL, start: 1, stream: 'tele', seq }, at: atMs },
      body: heartbeat(digest, atMs - 300_000, seq),
    };
    this.#publish('tele', envelope).catch(() => undefined);
  }

  async #publish(kind: 'hello' | 'tele', message: Hello | Envelope): Promise<void> {
    const payload = Buffer.from(encodePayload(message, (plain) => deflateRawSync(plain)));
    if (kind === 'tele') this.bytes += payload.length;
    const topic = buildTopic({ fleet: FLEET, device: this.id, direction: 'up', kind });
    await this.#client?.publishAsync(topic, payload, { qos: 1 });
  }
}
