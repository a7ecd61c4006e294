import type { InferenceAnswer, InferenceRecord } from '../../ports/span-exporter.ts';
import { reasonOfCode } from '../metrics/request-stats.ts';
import type { Routed } from '../router.ts';
import type { TraceContext } from '../trace-context.ts';

/** Names of models are no longer; what callers say is theirs to choose and is cut. */
const MAX_NAME = 63;
const MAX_USER_AGENT = 200;

/** Who asks, and at which door. */
export interface Asker {
  readonly door: InferenceRecord['door'];
  readonly trace: TraceContext | undefined;
  readonly userAgent: string | undefined;
}

/** What one sampled inference leaves behind for its spans. */
export class TracedInference {
  readonly #asker: Asker;
  readonly #startMs: number;
  readonly #startedAt = performance.now();
  readonly #done: (record: InferenceRecord) => void;
  #target: { readonly model: string; readonly version?: string } | undefined;
  #answeredUs: number | undefined;
  #answer: InferenceAnswer | undefined;

  constructor(asker: Asker, startMs: number, done: (record: InferenceRecord) => void) {
    this.#asker = asker;
    this.#startMs = startMs;
    this.#done = done;
  }

  asks(target: { readonly model: string; readonly version?: string }): void {
    this.#target = target;
  }

  /** The router has an answer, which is still to be sent. */
  answered({ reply, runner, fallback }: Routed): void {
    this.#answeredUs = this.#sinceUs();
    const { queueUs, runnerUs, inputUs, computeUs, outputUs } = reply.ok ? reply : NO_TIMES;
    const times = { queueUs, runnerUs, inputUs, computeUs, outputUs };
    this.#answer = { release: runner.spec.version, provider: runner.provider.active, fallback, ...times };
  }

  /** Once, at the end. `code` says why it is no success; without a status nobody was there to hear of it. */
  end(status: number | string | undefined, code?: string): void {
    const { door, trace, userAgent } = this.#asker;
    this.#done({
      door,
      ...trace,
      userAgent: userAgent?.slice(0, MAX_USER_AGENT),
      model: this.#target?.model.slice(0, MAX_NAME),
      version: this.#target?.version?.slice(0, MAX_NAME),
      startMs: this.#startMs,
      answeredUs: this.#answeredUs,
      endUs: this.#sinceUs(),
      answer: this.#answer,
      status,
      outcome: code === undefined ? 'SUCCESS' : reasonOfCode(code),
      code,
    });
  }

  #sinceUs(): number {
    return (performance.now() - this.#startedAt) * 1000;
  }
}

const NO_TIMES: Omit<InferenceAnswer, 'release' | 'provider'> = {};
