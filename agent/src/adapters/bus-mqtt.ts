import type { Duplex } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import { CodedError } from '@ringfleet/shared/errors';
import { sharePool } from '@ringfleet/shared/mqtt';
import {
  buildTopic,
  type Desired,
  downFilter,
  type Envelope,
  encodePayload,
  type Hello,
  type Status,
  type UpKind,
} from '@ringfleet/shared/protocol';
import { MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { Bus, BusEvents } from '../ports/bus.ts';
import type { Identity } from './identity.ts';
import { readDown } from './mqtt-down.ts';
import { mqttStream } from './mqtt-stream.ts';
import { pinOf, SessionMemory } from './pinned-tls.ts';
import type { ProxyFor } from './proxy-choice.ts';
import { type ReconnectOptions, ReconnectPlan } from './reconnect-plan.ts';

const KEEPALIVE_S = 240;
const CONNECT_TIMEOUT_MS = 15_000;
/** A broker that is there acknowledges within this; the keepalive alone would notice after six minutes. */
const ANSWER_MS = 20_000;

export interface MqttBusOptions extends ReconnectOptions {
  readonly identity: Identity;
  /** Trusted now: what the server's certificate is judged by. */
  readonly nowMs: () => number;
  /** Without it: straight there. */
  readonly proxyFor?: ProxyFor;
  /** How long a message may wait for its acknowledgement; 20 s unless said. */
  readonly answerMs?: number;
  readonly log: Logger;
}

/**
 * MQTT 3.1.1 over TLS, or over WebSocket where a site lets only HTTPS through, with the device's certificate: clean
 * sessions, QoS 1, keepalive 240 s (DESIGN §12).
 */
export class MqttBus implements Bus {
  #options: MqttBusOptions;
  readonly #stopping = new AbortController();
  #sessions = new SessionMemory();
  #client: MqttClient | null = null;
  #events: BusEvents | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #plan: ReconnectPlan;
  #isConnected = false;

  constructor(options: MqttBusOptions) {
    this.#options = options;
    this.#plan = new ReconnectPlan(options);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** How it is connected now. */
  get via(): 'mqtts' | 'wss' | null {
    if (!this.#isConnected) return null;
    return this.#plan.url.protocol === 'wss:' ? 'wss' : 'mqtts';
  }

  /** From the next connection on, with a renewed certificate. */
  use(identity: Identity): void {
    this.#options = { ...this.#options, identity };
    // A session is that of the certificate it began with.
    this.#sessions = new SessionMemory();
  }

  start(events: BusEvents): void {
    this.#events = events;
    this.#connect();
  }

  async hello(hello: Hello): Promise<void> {
    this.#expectConnected();
    await this.#publish('hello', hello);
  }

  async report(envelope: Envelope): Promise<void> {
    this.#expectConnected();
    await this.#publish(envelope.id.stream, envelope);
  }

  /** A client that is still connecting would hold the message back, or fail in its own words. */
  #expectConnected(): void {
    if (!this.#isConnected) throw new CodedError('SERVER_UNREACHABLE', 'mqtt is not connected');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#timer) clearTimeout(this.#timer);
    const client = this.#client;
    if (!client) return;
    if (this.#isConnected) await this.#publish('status', status(false)).catch(() => undefined);
    await client.endAsync(!this.#isConnected).catch(() => undefined);
  }

  #connect(): void {
    const { identity, log, nowMs, proxyFor } = this.#options;
    const { url } = this.#plan;
    const enrolled = url.protocol === 'wss:' ? identity.apiUrl : identity.mqttUrl;
    const options = {
      signal: this.#stopping.signal,
      memory: this.#sessions,
      ...(proxyFor ? { proxyFor } : {}),
    };
    mqttStream(url, pinOf(identity, enrolled, nowMs), options).then(
      (stream) => this.#open(stream),
      (err: unknown) => {
        log.debug({ err, component: 'bus', url: url.href }, 'mqtt cannot connect');
        if (!this.#stopping.signal.aborted) this.#events?.failed(err);
        this.#retry(this.#tryOtherWay());
      },
    );
  }

  /** The wait before the next way is tried. */
  #tryOtherWay(): number {
    this.#sessions = new SessionMemory();
    return this.#plan.otherWay();
  }

  #open(stream: Duplex): void {
    const { identity, log } = this.#options;
    if (this.#stopping.signal.aborted) {
      stream.destroy();
      return;
    }
    // Node's streams are what mqtt.js expects, under another name.
    const client = new MqttClient(() => stream as never, {
      protocolVersion: 4,
      clientId: identity.device,
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Ours is the reconnect: full jitter over the window that the server announces.
      reconnectPeriod: 0,
      queueQoSZero: false,
      // The library's cache of all two-byte numbers is 6.5 MB.
      writeCache: false,
      will: {
        topic: this.#topic('status'),
        payload: Buffer.from(encodePayload(status(false))),
        qos: 1,
        retain: false,
      },
    });
    this.#client = client;
    client.on('message', (topic, payload) => this.#receive(topic, payload));
    client.on('error', (err) => log.debug({ err, component: 'bus' }, 'mqtt error'));
    client.on('connect', () => void this.#onConnect(client));
    client.on('close', () => this.#onClose(client));
  }

  async #onConnect(client: MqttClient): Promise<void> {
    const { identity, log } = this.#options;
    try {
      const filter = downFilter(identity.fleet, identity.device);
      await this.#inTime(client, client.subscribeAsync(filter, { qos: 1 }));
      await this.#publish('status', status(true));
    } catch (err) {
      log.warn({ err, component: 'bus' }, 'mqtt subscribe failed');
      client.end(true);
      return;
    }
    this.#isConnected = true;
    this.#plan.connected();
    log.info({ component: 'bus', via: this.via }, 'mqtt connected');
    this.#events?.connected();
  }

  #onClose(client: MqttClient): void {
    if (client !== this.#client) return;
    client.removeAllListeners();
    // A late error of a socket that is given up must not end the process.
    client.on('error', () => undefined);
    client.end(true);
    this.#client = null;
    const wasConnected = this.#isConnected;
    this.#isConnected = false;
    const waitMs = this.#plan.afterEnd(wasConnected) ?? this.#tryOtherWay();
    if (wasConnected) {
      this.#options.log.info({ component: 'bus', waitMs }, 'mqtt disconnected');
      this.#events?.disconnected();
    }
    this.#retry(waitMs);
  }

  #retry(waitMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #receive(topic: string, payload: Uint8Array): void {
    try {
      const message = readDown(topic, payload);
      if (message?.kind === 'desired') this.#desired(message.body);
      if (message?.kind === 'ack') this.#events?.ack(message.body);
      if (message?.kind === 'cmd') this.#events?.command(message.body);
    } catch (err) {
      this.#options.log.warn({ err, component: 'bus', topic }, 'message dropped');
    }
  }

  #desired(desired: Desired): void {
    const { refused, warning, reconnectWindowMs } = desired;
    if (refused) {
      this.#plan.refused();
      this.#events?.notice('refused', refused);
      return;
    }
    if (warning) {
      this.#events?.notice('warning', warning);
      return;
    }
    this.#plan.welcomed(reconnectWindowMs);
    this.#events?.desired(desired);
  }

  async #publish(kind: UpKind, message: Hello | Envelope | Status): Promise<void> {
    const client = this.#client;
    if (!client) throw new CodedError('SERVER_UNREACHABLE', 'mqtt is not connected');
    const payload = Buffer.from(encodePayload(message, (bytes) => deflateRawSync(bytes)));
    const topic = this.#topic(kind);
    sharePool(topic, payload, 1);
    await this.#inTime(client, client.publishAsync(topic, payload, { qos: 1 }));
  }

  /** Gives a connection up that is open and answers nothing: half-open, or held by something in between. */
  async #inTime<T>(client: MqttClient, answer: Promise<T>): Promise<T> {
    const { answerMs = ANSWER_MS, log } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const err = new CodedError('SERVER_SILENT', `no acknowledgement within ${answerMs} ms`);
      late.reject(err);
      if (client !== this.#client) return;
      log.warn({ component: 'bus', code: err.code, via: this.via }, 'mqtt is silent, connecting anew');
      this.#events?.failed(err);
      this.#onClose(client);
    }, answerMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #topic(kind: UpKind): string {
    const { fleet, device } = this.#options.identity;
    return buildTopic({ fleet, device, direction: 'up', kind });
  }
}

const status = (isOnline: boolean): Status => ({ v: 1, isOnline });
