import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodedError } from '@ringfleet/shared/errors';
import type { Ack, Envelope, EventReport, Hello } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { backoffMs } from '../core/backoff.ts';
import type { Bus } from '../ports/bus.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import type { Journal } from '../ports/journal.ts';

const MQTT_WINDOW = { maxRows: 64, maxBytes: 128 * 1024 };
const HTTP_WINDOW = { maxRows: 128, maxBytes: 512 * 1024 };
const ACK_WAIT_MS = 10_000;
const MAX_ACK_WAIT_MS = 60_000;
/** A reconnect is usually quicker than a second way in. */
const HTTP_AFTER_MS = 3_000;
const HTTP_RETRY = { baseMs: 1_000, maxMs: 60_000 };
const EMPTY_LOOK_MS = 100;
const LOOK_MS = 5_000;
/** After each window: whoever comes back with thousands of reports has models to answer with meanwhile. */
const PAUSE_MS = 50;

export interface UplinkOptions {
  readonly journal: Journal;
  readonly bus: Pick<Bus, 'isConnected' | 'hello' | 'report'>;
  readonly api: Pick<DeviceApi, 'reports'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hello: () => Promise<Hello>;
}

/** Empties the outbox: over MQTT while that is connected, else over HTTP; one window in flight, acknowledged end to end. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<string>();
  #loop: Promise<void> = Promise.resolve();
  #wake = new AbortController();
  #unacknowledged = 0;
  #httpFailures = 0;
  #httpNotBeforeMs = 0;
  #offlineSinceMs: number;
  #isHelloDue = true;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#offlineSinceMs = options.clock.nowMs();
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There is something new to send, or a way to send it. */
  kick(): void {
    this.#wake.abort();
  }

  connected(): void {
    this.#unacknowledged = 0;
    void this.sayHello();
    this.kick();
  }

  disconnected(): void {
    this.#offlineSinceMs = this.#options.clock.nowMs();
    this.#isHelloDue = true;
    this.kick();
  }

  /** What this device runs and has accepted: at once over MQTT, else with the next request. */
  async sayHello(): Promise<void> {
    const { bus, hello, log } = this.#options;
    if (!bus.isConnected) {
      this.#isHelloDue = true;
      this.kick();
      return;
    }
    try {
      await bus.hello(await hello());
    } catch (err) {
      log.debug({ err, component: 'uplink' }, 'hello was not sent');
    }
  }

  /** Answers how many reports were waiting for it. */
  async acknowledged(ack: Ack): Promise<number> {
    const { journal, clock, log } = this.#options;
    for (const one of ack.quarantined) {
      log.warn(
        { component: 'uplink', code: one.code, seq: one.seq, stream: ack.stream },
        'report was quarantined',
      );
    }
    let removed = 0;
    try {
      removed = await journal.acknowledge(ack, clock.nowMs());
    } catch (err) {
      // The rows stay and are sent again under the same numbers.
      log.error({ err, component: 'uplink' }, 'acknowledgement cannot be saved');
      return 0;
    }
    const quarantined = new Set(ack.quarantined.map((one) => one.seq));
    for (const key of this.#waiting) {
      const [start, stream, seq] = key.split('/');
      const isMine = Number(start) === ack.start && stream === ack.stream;
      if (isMine && (Number(seq) <= ack.storedUpTo || quarantined.has(Number(seq))))
        this.#waiting.delete(key);
    }
    if (this.#waiting.size === 0) this.kick();
    return removed;
  }

  /** Resolves when the server has taken the events of this code that wait now, or the signal is aborted. */
  async untilTold(code: string, signal: AbortSignal): Promise<void> {
    const { journal, clock } = this.#options;
    const isOfCode = ({ id, body }: Envelope): boolean =>
      id.stream === 'event' && (body as EventReport).code === code;
    while (!signal.aborted && (await journal.window(EVERYTHING)).some(isOfCode)) {
      this.kick();
      await clock.sleep(EMPTY_LOOK_MS, signal);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.kick();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { bus, clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (bus.isConnected) await this.#overMqtt();
        else if (this.#mayUseHttp()) await this.#overHttp();
      } catch (err) {
        if (!signal.aborted) log.debug({ err, component: 'uplink' }, 'reports wait');
      }
      if (!this.#wake.signal.aborted)
        await clock.sleep(LOOK_MS, AbortSignal.any([signal, this.#wake.signal]));
      this.#wake = new AbortController();
    }
  }

  async #overMqtt(): Promise<void> {
    const { bus, journal, clock } = this.#options;
    while (bus.isConnected && !this.#stopping.signal.aborted) {
      const window = await journal.window(MQTT_WINDOW);
      this.#waiting.clear();
      if (window.length === 0) return;
      for (const envelope of window) this.#waiting.add(keyOf(envelope));
      await this.#send(window);
      const waitMs = Math.min(MAX_ACK_WAIT_MS, ACK_WAIT_MS * 2 ** this.#unacknowledged);
      const untilMs = clock.nowMs() + waitMs;
      while (this.#waiting.size > 0 && bus.isConnected && clock.nowMs() < untilMs) {
        this.#wake = new AbortController();
        const signal = AbortSignal.any([this.#stopping.signal, this.#wake.signal]);
        await clock.sleep(Math.max(1, untilMs - clock.nowMs()), signal);
        if (this.#stopping.signal.aborted) return;
      }
      this.#unacknowledged = this.#waiting.size === 0 ? 0 : this.#unacknowledged + 1;
      await clock.sleep(PAUSE_MS, this.#stopping.signal);
    }
  }

  /** One report a turn of the loop: packing all of a window at once would hold up answers. */
  async #send(window: readonly Envelope[]): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const envelope of window) {
      const one = this.#options.bus.report(envelope);
      // Waited for below, all together.
      one.catch(() => undefined);
      sent.push(one);
      await nextTurn();
    }
    await Promise.all(sent);
  }

  #mayUseHttp(): boolean {
    const nowMs = this.#options.clock.nowMs();
    // The clock was set back: what was counted from a time that has not come yet is counted anew.
    if (nowMs < this.#offlineSinceMs) [this.#offlineSinceMs, this.#httpNotBeforeMs] = [nowMs, 0];
    return nowMs - this.#offlineSinceMs >= HTTP_AFTER_MS && nowMs >= this.#httpNotBeforeMs;
  }

  async #overHttp(): Promise<void> {
    const { api, bus, journal, hello, clock } = this.#options;
    try {
      while (!bus.isConnected && !this.#stopping.signal.aborted) {
        const reports = [...(await journal.window(HTTP_WINDOW))];
        const isGreeting = this.#isHelloDue;
        if (reports.length === 0 && !isGreeting) return;
        const greeting = isGreeting ? { hello: await hello() } : {};
        const reply = await api.reports({ v: 1, ...greeting, reports }, this.#stopping.signal);
        if (isGreeting) this.#isHelloDue = false;
        this.#httpFailures = 0;
        let removed = 0;
        for (const ack of reply.acks) removed += await this.acknowledged(ack);
        // A server that takes nothing must not be asked without a pause.
        if (removed === 0 && reports.length > 0)
          throw new CodedError('SERVER_REFUSED', 'no report was acknowledged');
        await clock.sleep(PAUSE_MS, this.#stopping.signal);
      }
    } catch (err) {
      const waitMs = backoffMs(this.#httpFailures, clock.random(), HTTP_RETRY);
      this.#httpFailures += 1;
      this.#httpNotBeforeMs = clock.nowMs() + waitMs;
      throw err;
    }
  }
}

const EVERYTHING = { maxRows: 100_000, maxBytes: 256e6 };

const keyOf = ({ id }: Envelope): string => `${id.start}/${id.stream}/${id.seq}`;
