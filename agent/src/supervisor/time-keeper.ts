import { codeOf } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { backoffMs } from '../core/backoff.ts';
import { isNoContact } from '../core/contact.ts';
import { isSyncDue, type SyncMark } from '../core/time-sync.ts';

const LOOK_MS = 30_000;
const RETRY = { baseMs: 2_000, maxMs: 300_000 };

export interface TimeKeeperParts {
  /** Asks, verifies, keeps and takes the time into use. Throws codes. */
  readonly sync: (signal: AbortSignal) => Promise<void>;
  /** What the machine's clocks say now. */
  readonly clocks: () => SyncMark;
  /** How far the system's clock is ahead of trusted now, ms. */
  readonly systemAheadMs: () => number;
  /** An answer was refused; called once per code until one is taken. */
  readonly onRefused: (code: string, message: string) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly log: Logger;
}

/** Keeps signed time fresh. */
export class TimeKeeper {
  readonly #parts: TimeKeeperParts;
  readonly #first = Promise.withResolvers<void>();
  #refused: string | null = null;

  constructor(parts: TimeKeeperParts) {
    this.#parts = parts;
  }

  /** Resolves after the first try, however it ended: what needs the right time waits for it, and never for ever. */
  get tried(): Promise<void> {
    return this.#first.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clocks, random, sleep } = this.#parts;
    let last: SyncMark | null = null;
    for (let failures = 0; !signal.aborted; ) {
      if (!isSyncDue(last, clocks())) {
        await sleep(LOOK_MS * (0.8 + 0.4 * random()), signal);
        continue;
      }
      if (await this.#try(signal)) {
        last = clocks();
        failures = 0;
      } else {
        failures += 1;
        last = null;
        await sleep(backoffMs(failures - 1, random(), RETRY), signal);
      }
    }
    this.#first.resolve();
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { sync, systemAheadMs, log } = this.#parts;
    try {
      await sync(signal);
      this.#refused = null;
      log.info({ component: 'time', systemAheadMs: systemAheadMs() }, 'signed time taken');
      return true;
    } catch (err) {
      if (!signal.aborted) this.#say(err);
      return false;
    } finally {
      this.#first.resolve();
    }
  }

  #say(err: unknown): void {
    const { log, onRefused } = this.#parts;
    const code = codeOf(err, 'SERVER_UNREACHABLE');
    log.info({ component: 'time', code, err }, 'no signed time, will be tried again');
    if (isNoContact(code) || code === this.#refused) return;
    this.#refused = code;
    onRefused(code, err instanceof Error ? err.message : String(err));
  }
}
