import { Worker } from 'node:worker_threads';
import { CodedError } from '@ringfleet/shared/errors';
import type { InferenceRecord, SpanExporter } from '../ports/span-exporter.ts';
import type { OtlpReply, OtlpSetup } from './otlp-worker.ts';

/** The library gives up after 10 s; whatever a collector does to it, a thread that says nothing for longer is ended. */
const LIMIT_MS = 20_000;
const MAX_HEAP_MB = 64;

interface Batch {
  readonly resolve: () => void;
  readonly reject: (err: CodedError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * OpenTelemetry's SDK and its OTLP exporter in a thread of their own, which is started with the first batch: making
 * spans, writing JSON, TLS and a collector that hangs are nothing that the agent's loop waits for.
 */
export class OtlpExporter implements SpanExporter {
  readonly #setup: OtlpSetup;
  #worker: Worker | undefined;
  #batch: Batch | undefined;

  constructor(setup: OtlpSetup) {
    this.#setup = setup;
  }

  export(records: readonly InferenceRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      const timer = setTimeout(() => {
        void this.#end(`the collector said nothing for ${LIMIT_MS} ms`);
      }, LIMIT_MS).unref();
      this.#batch = { resolve, reject, timer };
      this.#worker.postMessage(records);
    });
  }

  async stop(): Promise<void> {
    await this.#end('the agent ended');
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    const file = isSource ? './otlp-worker.ts' : './otlp-worker.mjs';
    const worker = new Worker(new URL(file, import.meta.url), {
      execArgv: isSource ? ['--conditions=source'] : [],
      workerData: this.#setup,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    worker.on('message', ({ error }: OtlpReply) => this.#settle(error));
    worker.on('error', (err) => this.#lost(worker, err instanceof Error ? err.message : String(err)));
    worker.on('exit', () => this.#lost(worker, 'the thread ended'));
    return worker;
  }

  /** The next batch starts another thread. */
  #lost(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#settle(why);
  }

  #end(why: string): Promise<unknown> | undefined {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#settle(why);
    return worker?.terminate();
  }

  #settle(error: string | undefined): void {
    const batch = this.#batch;
    this.#batch = undefined;
    clearTimeout(batch?.timer);
    if (error === undefined) batch?.resolve();
    else batch?.reject(new CodedError('TRACES_NOT_TAKEN', `${this.#host()}: ${error}`));
  }

  /** Without what a URL may hold of passwords. */
  #host(): string {
    return new URL(this.#setup.url).host;
  }
}
