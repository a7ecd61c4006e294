import { backoffMs, refusedWaitMs } from '../core/backoff.ts';
import { afterConnected, afterFailure, type BrokerWays, isRoundDone, waysTo } from '../core/broker-ways.ts';

const FIRST_RETRY_MS = 1_000;
/** Before the other way is tried. */
const OTHER_WAY_MS = 500;

export interface ReconnectOptions {
  /** `mqtts:`, with the WebSocket of `apiUrl` to fall back to; or `wss:`, alone. */
  readonly mqttUrl: string;
  readonly apiUrl: string;
  /** Upper bound of the wait between two tries, unless the server announced a wider window. */
  readonly maxReconnectMs: number;
}

/** Which way the broker is tried next, and after how long. */
export class ReconnectPlan {
  readonly #options: ReconnectOptions;
  #ways: BrokerWays;
  #attempt = 0;
  #windowMs = 0;
  #isRefused = false;
  #refusals = 0;

  constructor(options: ReconnectOptions) {
    this.#options = options;
    this.#ways = waysTo(options.mqttUrl, options.apiUrl);
  }

  /** The way of this turn. */
  get url(): URL {
    return new URL(this.#ways.urls[this.#ways.turn] ?? this.#options.mqttUrl);
  }

  connected(): void {
    this.#attempt = 0;
    this.#ways = afterConnected(this.#ways);
  }

  /** The server turned this device away: the next connection waits far longer. */
  refused(): void {
    this.#isRefused = true;
  }

  /** The server takes this device, and may say over how long its devices are to spread after a break. */
  welcomed(windowMs: number | undefined): void {
    this.#refusals = 0;
    if (windowMs !== undefined) this.#windowMs = windowMs;
  }

  /** The wait after a connection that ended; null when it never came up and the other way is to be tried. */
  afterEnd(wasConnected: boolean): number | null {
    return wasConnected || this.#isRefused ? this.#waitMs(wasConnected) : null;
  }

  /** Turns to the other way; the wait before it is tried. */
  otherWay(): number {
    this.#ways = afterFailure(this.#ways);
    return isRoundDone(this.#ways) ? this.#waitMs(false) : OTHER_WAY_MS * Math.random();
  }

  #waitMs(wasConnected: boolean): number {
    if (this.#isRefused) {
      // It would be refused again: a person has to act first.
      this.#isRefused = false;
      this.#refusals += 1;
      return refusedWaitMs(this.#refusals - 1, Math.random());
    }
    const maxMs = Math.max(this.#options.maxReconnectMs, this.#windowMs);
    const baseMs = wasConnected && this.#windowMs > 0 ? this.#windowMs : FIRST_RETRY_MS;
    this.#attempt += 1;
    return backoffMs(this.#attempt - 1, Math.random(), { baseMs, maxMs });
  }
}
