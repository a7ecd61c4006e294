import { type CodedError, codeOf } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import type { InferenceRecord, SpanExporter } from '../../ports/span-exporter.ts';
import { isSampled } from './sampling.ts';
import { type Asker, TracedInference } from './traced-inference.ts';

/** Inferences that wait for the collector; more are dropped. At about 0.5 KB each. */
const MAX_WAITING = 1_024;
const MAX_BATCH = 128;
/** A batch that is not full goes out after this. */
const PAUSE_MS = 1_000;

export interface TracerOptions {
  readonly exporter: SpanExporter;
  /** Share of the inferences that begin a trace, 0 to 1; those of a caller's trace follow the caller. */
  readonly ratio: number;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly nowMs?: () => number;
  readonly random?: () => number;
}

/** Sampled inferences, by what became of their spans. All of it grows only. */
export interface TraceCounts {
  /** The collector took them. */
  exported: number;
  /** They never left: too many waited, or the agent ended. */
  dropped: number;
  /** The collector did not take them. */
  failed: number;
}

/** Samples inferences and hands them to the exporter, one batch at a time: a request only ever puts a record into an array. */
export class Tracer {
  readonly counts: TraceCounts = { exported: 0, dropped: 0, failed: 0 };
  readonly #exporter: SpanExporter;
  readonly #ratio: number;
  readonly #log: TracerOptions['log'];
  readonly #nowMs: () => number;
  readonly #random: () => number;
  readonly #waiting: InferenceRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #isStopping = false;
  #isFailing = false;

  constructor({ exporter, ratio, log, nowMs = Date.now, random = Math.random }: TracerOptions) {
    this.#exporter = exporter;
    this.#ratio = ratio;
    this.#log = log;
    this.#nowMs = nowMs;
    this.#random = random;
  }

  /** Undefined where the spans of this inference are not wanted. */
  begin(asker: Asker): TracedInference | undefined {
    if (!isSampled(asker.trace, this.#ratio, this.#random)) return undefined;
    return new TracedInference(asker, this.#nowMs(), (record) => this.#take(record));
  }

  /** Sends what waits, for at most `graceMs`; what is left then is dropped. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const { promise: over, resolve } = Promise.withResolvers<'over'>();
    const timer = setTimeout(() => resolve('over'), graceMs);
    for (;;) {
      this.#send();
      if (!this.#sending || (await Promise.race([this.#sending, over])) === 'over') break;
    }
    clearTimeout(timer);
    this.counts.dropped += this.#waiting.splice(0).length;
    await this.#exporter.stop();
  }

  #take(record: InferenceRecord): void {
    if (this.#isStopping || this.#waiting.length >= MAX_WAITING) {
      this.counts.dropped += 1;
      return;
    }
    this.#waiting.push(record);
    if (this.#waiting.length >= MAX_BATCH) this.#send();
    else this.#sendLater();
  }

  #sendLater(): void {
    this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS).unref();
  }

  #send(): void {
    if (this.#sending || this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    this.#sending = this.#exporter
      .export(batch)
      .then(
        () => this.#exported(batch.length),
        (err: CodedError) => this.#failed(batch.length, err),
      )
      .then(() => {
        this.#sending = undefined;
        if (this.#isStopping) return;
        if (this.#waiting.length >= MAX_BATCH) this.#send();
        else if (this.#waiting.length > 0) this.#sendLater();
      });
  }

  #exported(count: number): void {
    this.counts.exported += count;
    if (this.#isFailing) this.#log.debug({ component: 'tracing' }, 'the collector takes spans again');
    this.#isFailing = false;
  }

  /** Said once, not for every batch of a collector that is away. */
  #failed(count: number, err: CodedError): void {
    this.counts.failed += count;
    if (!this.#isFailing && !this.#isStopping) {
      const code = codeOf(err, 'SERVING_INTERNAL');
      this.#log.warn({ component: 'tracing', code, err }, 'the collector does not take spans');
    }
    this.#isFailing = true;
  }
}
