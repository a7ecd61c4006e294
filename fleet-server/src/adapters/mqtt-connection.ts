import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { CodedError, codeOf } from '@ringfleet/shared/errors';
import { sharePool } from '@ringfleet/shared/mqtt';
import {
  type Ack,
  buildTopic,
  type Command,
  type Desired,
  type DownKind,
  type Envelope,
  encodePayload,
  type Hello,
  maySubscribe,
} from '@ringfleet/shared/protocol';
import type { Client } from 'aedes';
import type { Intake } from '../device-contact/intake.ts';
import type { Refusals } from '../device-contact/refusals.ts';
import type { Clock, Log } from '../ports/log.ts';
import type { Stores } from '../ports/stores.ts';
import { readUpMessage } from './up-message.ts';

/** A live agent acknowledges within this time; one that lost its power does not. */
const ANSWER_MS = 3_000;

/** What arrives within this time goes into one transaction. */
const BATCH_MS = 3;
const BATCH_ROWS = 256;

export type RivalAnswers = (device: string, instance: string) => Promise<boolean>;
type Done = (err?: Error | null) => void;

interface Published {
  readonly envelope: Envelope;
  readonly bytes: number;
  readonly done: Done;
}

export interface ConnectionParts {
  readonly fleet: string;
  readonly stores: Stores;
  readonly log: Log;
  readonly clock: Clock;
  readonly refusals: Refusals;
  readonly intake: Intake;
  /** Called after a hello that was accepted: this connection speaks for the device now. */
  readonly onReady: (connection: MqttConnection) => Promise<void>;
  /** Whether another agent process is connected as this device, and alive. */
  readonly rivalAnswers: RivalAnswers;
}

/** The connection with its certificate, and the MQTT bytes in it: the same, or what a WebSocket carries. */
export interface Link {
  readonly socket: TLSSocket;
  readonly stream: Duplex;
}

/** One MQTT connection of one device: stores what it publishes, in order, before the broker acknowledges it. */
export class MqttConnection {
  readonly device: string;
  readonly client: Client;
  isReady = false;
  isSubscribed = false;
  /** The assignment it was sent last. */
  sentEtag: string | null = null;
  /** The agent process that said hello here. */
  instance: string | null = null;
  #isRefused = false;
  #heard: () => void = () => undefined;
  readonly #parts: ConnectionParts;
  readonly #link: Link;
  #batch: Published[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Nobody waits for its turn any more. */
  readonly #ending = new AbortController();
  /** Everything happens in the order in which it was published. */
  #tail: Promise<void> = Promise.resolve();

  constructor(device: string, client: Client, link: Link, parts: ConnectionParts) {
    this.device = device;
    this.client = client;
    this.#link = link;
    this.#parts = parts;
  }

  noteRefusal(err: unknown): void {
    this.#parts.refusals.noteError(err, this.#link.socket);
  }

  mayHear(filter: string): boolean {
    return maySubscribe(this.#parts.fleet, this.device, filter);
  }

  /** `done` without an error makes the broker acknowledge: only after the commit. */
  published(topic: string, payload: Uint8Array, done: Done): void {
    const { log, clock } = this.#parts;
    if (this.#isRefused) {
      done(new CodedError('CLONED_DEVICE'));
      return;
    }
    let message: ReturnType<typeof readUpMessage>;
    try {
      message = readUpMessage(topic, payload, clock());
    } catch (err) {
      // Sending it again would not help, and there is no number to answer with.
      const code = codeOf(err, 'MESSAGE_INVALID');
      log.warn({ err, component: 'bus', device: this.device, topic, code }, 'message dropped');
      this.#parts.intake.unreadable(this.device, code, err instanceof Error ? err.message : 'not readable');
      this.#inOrder(async () => {
        await this.#paced(1, payload.length);
        done();
      });
      return;
    }
    switch (message.kind) {
      case 'report':
        this.#batch.push({ envelope: message.envelope, bytes: payload.length, done });
        if (this.#batch.length >= BATCH_ROWS) this.#flush();
        else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
        return;
      case 'hello': {
        const { hello } = message;
        this.#flush();
        this.#inOrder(() => this.#hello(hello, done));
        return;
      }
      case 'status':
        // Who is connected follows from the connections themselves: a will may come late or for an older one.
        done();
        return;
    }
  }

  send(kind: DownKind, message: Ack | Command | Desired): Promise<void> {
    const { fleet, log } = this.#parts;
    const topic = buildTopic({ fleet, device: this.device, direction: 'dn', kind });
    const payload = Buffer.from(encodePayload(message));
    sharePool(topic, payload, 1);
    return new Promise((resolve) => {
      this.client.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false }, (err) => {
        // A device that has gone asks again when it is back.
        if (err) log.debug({ err, component: 'bus', device: this.device, topic }, 'message not sent');
        resolve();
      });
    });
  }

  /** The device acknowledged something that was sent to it. */
  acknowledged(): void {
    this.#heard();
  }

  /** Warns this agent of another one under its name; true when it acknowledges that, so it is alive. */
  async answersToWarning(): Promise<boolean> {
    const heard = new Promise<boolean>((resolve) => {
      this.#heard = () => resolve(true);
      setTimeout(() => resolve(false), ANSWER_MS).unref();
    });
    const { code, message } = new CodedError('CLONED_DEVICE');
    await this.send('desired', { v: 1, generation: 0, warning: { code, reason: message } });
    return heard;
  }

  /** Resolves when nothing that was published waits any more. */
  idle(): Promise<void> {
    this.#ending.abort();
    this.#flush();
    return this.#tail;
  }

  /** The broker reads on when what it has read is acknowledged: who waits here holds up nobody else, and fills no memory. */
  #paced(reports: number, bytes: number): Promise<void> {
    return this.#parts.intake.pace(this.device, reports, bytes, this.#ending.signal);
  }

  #inOrder(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(work).catch((err: unknown) => {
      this.#parts.log.error({ err, component: 'bus', device: this.device }, 'message failed');
    });
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#inOrder(() => this.#ingest(batch));
  }

  async #ingest(batch: readonly Published[]): Promise<void> {
    const { stores, clock } = this.#parts;
    await this.#paced(
      batch.length,
      batch.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    if (this.#isRefused) {
      for (const { done } of batch) done(new CodedError('CLONED_DEVICE'));
      return;
    }
    let acks: readonly Ack[];
    try {
      const envelopes = batch.map((one) => one.envelope);
      acks = await stores.reports.ingest(this.device, envelopes, clock());
    } catch (err) {
      // The error closes the connection and the device sends everything again.
      for (const { done } of batch) done(asError(err));
      throw err;
    }
    for (const { done } of batch) done();
    for (const ack of acks) await this.send('ack', ack);
  }

  async #hello(hello: Hello, done: Done): Promise<void> {
    const { stores, clock, onReady, rivalAnswers } = this.#parts;
    try {
      const isRivalAlive = await rivalAnswers(this.device, hello.instance);
      const answer = await stores.devices.hello(this.device, hello, clock(), isRivalAlive);
      if (answer === 'clone') {
        await this.#refuse(done);
        return;
      }
      this.instance = hello.instance;
      await onReady(this);
    } catch (err) {
      done(asError(err));
      throw err;
    }
    done();
  }

  /** Says why, lets that go out, and closes. */
  async #refuse(done: Done): Promise<void> {
    const { code, message } = new CodedError('CLONED_DEVICE');
    // What it has published after the hello does not speak for the device either.
    this.#isRefused = true;
    await this.send('desired', { v: 1, generation: 0, refused: { code, reason: message } });
    await new Promise<void>((resolve) => {
      this.#link.stream.once('close', resolve);
      this.#link.stream.end(resolve);
    });
    done(new CodedError('CLONED_DEVICE'));
  }
}

const asError = (err: unknown): Error => (err instanceof Error ? err : new Error(String(err)));
