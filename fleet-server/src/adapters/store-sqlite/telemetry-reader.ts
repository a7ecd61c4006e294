import { Worker } from 'node:worker_threads';
import { CodedError } from '@ringfleet/shared/errors';
import type { TelemetryStore } from '../../ports/telemetry.ts';
import type { TelemetryQueries } from './telemetry-queries.ts';
import type { ReaderQuestion } from './telemetry-reader-main.ts';

const IS_SOURCE = import.meta.url.endsWith('.ts');
const FILE = IS_SOURCE ? './telemetry-reader-main.ts' : './telemetry-reader.mjs';
const EXEC_ARGV = IS_SOURCE ? ['--conditions=source'] : [];
const DEADLINE_MS = 30_000;
/** Questions that wait; whoever comes later is told to ask again. */
const MOST_WAITING = 64;

type Reader = Pick<TelemetryStore, keyof TelemetryQueries> & { close(): Promise<void> };

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/**
 * Asks a worker thread with a connection of its own, started at the first question. A question that takes longer than 30 s
 * ends with the thread (QUERY_TOO_SLOW), and a new one serves the next. Throws QUERIES_BUSY when too many wait.
 */
export function telemetryReader(path: string, deadlineMs: number = DEADLINE_MS): Reader {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (err: Error) => void }>();
  let worker: Worker | null = null;
  let last = 0;

  function start(): Worker {
    const made = new Worker(new URL(FILE, import.meta.url), { workerData: { path }, execArgv: EXEC_ARGV });
    made.on('message', ({ id, result, error }: Answer) => {
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(result);
      else asked?.reject(new CodedError('SERVER_INTERNAL', error));
    });
    made.on('error', (err: Error) =>
      end(made, new CodedError('SERVER_INTERNAL', err.message, { cause: err })),
    );
    made.unref();
    return made;
  }
  function end(which: Worker, err: Error): void {
    if (worker === which) worker = null;
    for (const { reject } of waiting.values()) reject(err);
    waiting.clear();
  }
  function ask<R>(name: keyof TelemetryQueries, query: unknown): Promise<R> {
    if (waiting.size >= MOST_WAITING) return Promise.reject(new CodedError('QUERIES_BUSY'));
    worker ??= start();
    const asked = worker;
    const id = ++last;
    return new Promise<R>((resolve, reject) => {
      const timer = setTimeout(() => {
        end(asked, new CodedError('QUERY_TOO_SLOW', `no answer within ${deadlineMs} ms`));
        void asked.terminate();
      }, deadlineMs);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      waiting.set(id, { resolve: settled((result) => resolve(result as R)), reject: settled(reject) });
      asked.postMessage({ id, name, query } satisfies ReaderQuestion);
    });
  }

  return {
    byGroup: (query) => ask('byGroup', query),
    ofDevice: (query) => ask('ofDevice', query),
    byDevice: (query) => ask('byDevice', query),
    async close() {
      const open = worker;
      if (!open) return;
      end(open, new CodedError('SERVER_INTERNAL', 'the store was closed'));
      await open.terminate();
    },
  };
}
