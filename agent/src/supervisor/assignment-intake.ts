import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import type { Desired } from '../core/assignment-plan.ts';
import { backoffMs } from '../core/backoff.ts';
import { isNoContact } from '../core/contact.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import { BringBack } from './bring-back.ts';
import { withFiles } from './with-files.ts';

const RETRY = { baseMs: 1_000, maxMs: 30_000 };

export interface AssignmentIntakeOptions {
  readonly trust: TrustStore;
  readonly api: DeviceApi;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onAccepted: (desired: Desired) => void;
  /** The server says that a wipe order of this name waits. */
  readonly onWipe?: (name: string) => void;
  /** A document was refused, or what it leaves as it is; called once per reason. */
  readonly onRefused: (code: string, message: string) => void;
}

/** Takes assignments from wherever they come, MQTT or HTTP, and lets only verified ones through. */
export class AssignmentIntake {
  readonly #options: AssignmentIntakeOptions;
  readonly #stopping = new AbortController();
  readonly #refused = new Set<string>();
  readonly #bringBack: BringBack;
  #queue: Promise<void> = Promise.resolve();
  #etag: string | null = null;
  #newest: string | null = null;

  constructor(options: AssignmentIntakeOptions) {
    this.#options = options;
    this.#bringBack = new BringBack(options);
  }

  /** A document that arrived with a hint. */
  offer(document: string): void {
    this.#newest = document;
    void this.#enqueue(async () => {
      await this.#takeNewest();
    });
  }

  /** Asks the server. Resolves when the answer was dealt with; never rejects. */
  poll(): Promise<void> {
    return this.#enqueue(async () => {
      const reply = await this.#options.api.assignment(this.#etag, this.#stopping.signal);
      if (reply.wipe !== undefined) this.#options.onWipe?.(reply.wipe);
      if (reply.kind === 'unchanged') return;
      this.#newest = reply.text;
      // What was refused is asked for again: a clock may be set or a document published in the meantime.
      this.#etag = (await this.#takeNewest()) ? reply.etag : null;
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#queue;
  }

  #enqueue(job: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(job).catch((err: unknown) => {
      if (!this.#stopping.signal.aborted)
        this.#options.log.debug({ err, component: 'assignment' }, 'assignment waits');
    });
    return this.#queue;
  }

  /** Tries again while the network is the trouble; a newer document replaces the one that is tried. False when refused. */
  async #takeNewest(): Promise<boolean> {
    const { clock, log } = this.#options;
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt += 1) {
      const document = this.#newest;
      if (document === null) return true;
      try {
        await this.#take(document);
        if (this.#newest === document) this.#newest = null;
      } catch (err) {
        if (!isNetwork(err)) {
          if (isOlder(err) && (await this.#bringBack.run(this.#stopping.signal))) continue;
          if (this.#newest === document) this.#newest = null;
          this.#refuse(err);
          return false;
        }
        log.info({ err, component: 'assignment' }, 'metadata cannot be fetched, will be tried again');
        await clock.sleep(backoffMs(attempt, clock.random(), RETRY), this.#stopping.signal);
      }
    }
    return false;
  }

  async #take(document: string): Promise<void> {
    const { trust, api, clock, onAccepted } = this.#options;
    const inspection = await this.#inspect(document);
    if (inspection.kind === 'same') return;
    const { outcome } = await withFiles(api, this.#stopping.signal, (files) =>
      trust.accept(document, files, clock.nowMs()),
    );
    for (const { model, code, message } of outcome.held) {
      this.#refuse(new CodedError(code as ErrorCode, `${model} goes on as it was: ${message}`));
    }
    onAccepted(outcome.desired);
  }

  /** A signature that does not fit may be one of a newer root: the chain is brought up to date before it is refused. */
  async #inspect(document: string): ReturnType<TrustStore['inspect']> {
    const { trust, clock } = this.#options;
    try {
      return await trust.inspect(document, clock.nowMs());
    } catch (err) {
      if (isNetwork(err) || !(await this.#updateRoots())) throw err;
      return trust.inspect(document, clock.nowMs());
    }
  }

  async #updateRoots(): Promise<boolean> {
    const { trust, api, clock } = this.#options;
    const { asked } = await withFiles(api, this.#stopping.signal, (files) =>
      trust.refreshRoot(files, clock.nowMs()),
    );
    // One file that is not there says that there is none: more than that, and there was a newer root.
    return asked > 1;
  }

  #refuse(err: unknown): void {
    const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
    const message = err instanceof Error ? err.message : String(err);
    const key = `${code} ${message}`;
    if (this.#refused.has(key)) return;
    // Bounded: a server that varies its nonsense does not fill the memory.
    if (this.#refused.size > 100) this.#refused.clear();
    this.#refused.add(key);
    this.#options.log.error({ component: 'assignment', code, err }, 'assignment refused');
    this.#options.onRefused(code, message);
  }
}

const isNetwork = (err: unknown): boolean => err instanceof CodedError && isNoContact(err.code);
const isOlder = (err: unknown): boolean => err instanceof CodedError && err.code === 'METADATA_NOT_NEWER';
