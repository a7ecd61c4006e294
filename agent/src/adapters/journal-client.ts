import { Worker } from 'node:worker_threads';
import { CodedError } from '@ringfleet/shared/errors';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Hasher } from '../ports/hasher.ts';
import type { Journal, Opened, OutboxStats, Save } from '../ports/journal.ts';
import type { TimeStore } from '../ports/time-store.ts';
import type { Inspection, TrustStore } from '../ports/trust-store.ts';
import { type JournalCall, type JournalCalls, type ReplyMessage, unpackError } from './journal-messages.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (err: Error) => void;
}

/** The journal, the trust store and the hasher, all in one worker thread; every call is one message each way. */
export class JournalClient implements Journal, TrustStore, TimeStore, Hasher {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isClosing = false;

  private constructor() {
    const isSource = import.meta.url.endsWith('.ts');
    const file = isSource ? './journal-worker.ts' : './journal-worker.mjs';
    // Node's own flags are not passed on: a thread refuses those that are about the whole process.
    const execArgv = isSource ? ['--conditions=source'] : [];
    this.#worker = new Worker(new URL(file, import.meta.url), { execArgv });
    this.#worker.on('message', (reply: ReplyMessage) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#failAll(new Error('the journal thread failed', { cause })));
    this.#worker.on('exit', () => this.#failAll(new Error('the journal thread ended')));
  }

  /** Starts the thread and opens the journal. Throws STATE_DIR_IN_USE, STATE_INVALID. */
  static async open(options: {
    readonly stateDir: string;
    readonly maxOutboxBytes: number;
    readonly fleet: string;
    readonly device: string;
  }): Promise<{ readonly client: JournalClient; readonly opened: Opened }> {
    const client = new JournalClient();
    try {
      return { client, opened: await client.#call('open', { ...options }) };
    } catch (err) {
      await client.#worker.terminate();
      throw err;
    }
  }

  save(change: Save): Promise<void> {
    return this.#call('save', change);
  }
  writeTelemetry(atMs: number, body: Telemetry, isPrompt = false): Promise<void> {
    return this.#call('writeTelemetry', atMs, body, isPrompt);
  }
  window(limits: { readonly maxRows: number; readonly maxBytes: number }): Promise<readonly Envelope[]> {
    return this.#call('window', limits);
  }
  acknowledge(ack: Ack, atMs: number): Promise<number> {
    return this.#call('acknowledge', ack, atMs);
  }
  stats(): Promise<OutboxStats> {
    return this.#call('stats');
  }
  oldest(): Promise<Readonly<Record<Stream, number>>> {
    return this.#call('oldest');
  }

  lastStored(): Promise<{ readonly start: number; readonly seq: number } | null> {
    return this.#call('lastStored');
  }
  timeBasis(): ReturnType<TimeStore['timeBasis']> {
    return this.#call('timeBasis');
  }
  acceptTime(...args: Parameters<TimeStore['acceptTime']>): ReturnType<TimeStore['acceptTime']> {
    return this.#call('acceptTime', ...args);
  }
  refreshRoot(...args: Parameters<TrustStore['refreshRoot']>): ReturnType<TrustStore['refreshRoot']> {
    return this.#call('refreshRoot', ...args);
  }
  confirm(release: { readonly model: string; readonly digest: string }): Promise<void> {
    return this.#call('confirm', release);
  }
  kept(): ReturnType<TrustStore['kept']> {
    return this.#call('kept');
  }
  verifyWipe(...args: Parameters<TrustStore['verifyWipe']>): ReturnType<TrustStore['verifyWipe']> {
    return this.#call('verifyWipe', ...args);
  }
  inspect(document: string, nowMs: number): Promise<Inspection> {
    return this.#call('inspect', document, nowMs);
  }
  accept(...args: Parameters<TrustStore['accept']>): ReturnType<TrustStore['accept']> {
    return this.#call('accept', ...args);
  }
  takeBundle(...args: Parameters<TrustStore['takeBundle']>): ReturnType<TrustStore['takeBundle']> {
    return this.#call('takeBundle', ...args);
  }
  sha256OfFile(path: string): Promise<string | null> {
    return this.#call('sha256OfFile', path);
  }
  async close(): Promise<void> {
    if (this.#isClosing) return;
    const closed = this.#call('close');
    this.#isClosing = true;
    await closed;
    await this.#worker.terminate();
  }

  #call<K extends JournalCall>(
    call: K,
    ...args: JournalCalls[K]['args']
  ): Promise<JournalCalls[K]['result']> {
    if (this.#isClosing) return Promise.reject(new CodedError('ABORTED', 'the journal is closed'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, args });
    });
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.result as never);
    else waiting?.reject(unpackError(reply.error));
  }

  #failAll(err: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(err);
    this.#waiting.clear();
  }
}
