import type { ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { FleetEvent } from '../core/domain.ts';
import type { Log } from '../ports/log.ts';
import type { EventStore } from '../ports/stores.ts';

export interface StreamLimits {
  readonly heartbeatMs: number;
  /** A reader that takes nothing for this long is dropped; it comes back with its Last-Event-ID and misses nothing. */
  readonly slowReaderMs: number;
}

const LIMITS: StreamLimits = { heartbeatMs: 15_000, slowReaderMs: 20_000 };
const BATCH = 200;
const MAX_STREAMS = 200;

/**
 * Live events from the events table. Every reader pulls in batches from its own place in the table and only when its
 * socket took the batch before, so that a slow one costs no memory.
 */
export class EventStreams {
  readonly #events: EventStore;
  readonly #log: Log;
  readonly #limits: StreamLimits;
  readonly #open = new Set<ServerResponse>();

  constructor(events: EventStore, log: Log, limits = LIMITS) {
    this.#events = events;
    this.#log = log;
    this.#limits = limits;
  }

  /** Throws TOO_MANY_STREAMS before anything is written. */
  reserve(res: ServerResponse): void {
    if (this.#open.size >= MAX_STREAMS) throw new CodedError('TOO_MANY_STREAMS');
    this.#open.add(res);
    res.once('close', () => this.#open.delete(res));
  }

  /** Sends everything after `seq`, and then what comes, until the reader goes or the server stops. */
  async run(res: ServerResponse, seq: number): Promise<void> {
    res.writeHead(200, HEADERS);
    res.write(`retry: 2000\n\n`);
    const bell = new Bell();
    const unsubscribe = this.#events.onAppend(() => bell.ring());
    res.once('close', () => bell.ring());
    const { heartbeatMs, slowReaderMs } = this.#limits;
    let last = seq;
    try {
      while (!res.closed && !res.writableEnded) {
        const events = await this.#events.after(last, BATCH);
        last = events.at(-1)?.seq ?? last;
        const text = events.map(frameOf).join('');
        if (text !== '' && !(await written(res, text, slowReaderMs))) return;
        if (events.length === BATCH || (await bell.rang(heartbeatMs))) continue;
        if (!(await written(res, ':\n\n', slowReaderMs))) return;
      }
    } catch (err) {
      this.#log.error({ err }, 'event stream failed');
    } finally {
      unsubscribe();
      res.destroy();
    }
  }

  closeAll(): void {
    for (const res of this.#open) res.end();
  }
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

const frameOf = (event: FleetEvent): string =>
  `id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;

/** False when the reader is gone or does not read. */
function written(res: ServerResponse, text: string, patienceMs: number): Promise<boolean> {
  if (res.closed || res.destroyed) return Promise.resolve(false);
  if (res.write(text)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (isTaken: boolean) => {
      clearTimeout(timer);
      res.off('drain', onDrain).off('close', onClose);
      resolve(isTaken);
    };
    const onDrain = () => done(true);
    const onClose = () => done(false);
    const timer = setTimeout(() => done(false), patienceMs);
    res.once('drain', onDrain).once('close', onClose);
  });
}

/** Remembers a ring that came while nobody waited. */
class Bell {
  #hasRung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** True at the next ring, false when the time is over. */
  rang(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        const hasRung = this.#hasRung;
        this.#hasRung = false;
        resolve(hasRung);
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#wake = finish;
      if (this.#hasRung) finish();
    });
  }
}
