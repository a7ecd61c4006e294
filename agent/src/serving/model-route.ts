import { CodedError } from '@ringfleet/shared/errors';
import type { Mirror } from '../ports/router.ts';
import type { InferCall, InferReply, Runner } from '../ports/runtime.ts';
import { CONSTANT } from './constant-answer.ts';
import { type FallbackPolicy, WAIT } from './fallback-policy.ts';
import type { InFlight } from './in-flight.ts';
import { ReleaseCounts } from './route-counts.ts';

/** A restart of a runner takes well under a second; requests that meet the gap wait for it. */
const HOLD_MS = 5_000;
const MAX_HELD = 64;

export interface Routed {
  readonly reply: InferReply;
  readonly runner: Answerer;
  /** Who answered what was asked of the active release, where that did not. */
  readonly fallback?: 'previous' | 'constant';
}

/** What an answer says of whom it comes from. */
export interface Answerer {
  readonly spec: { readonly version: string };
  readonly provider: { readonly active: string };
}

const CONSTANT_ANSWERER: Answerer = { spec: { version: CONSTANT }, provider: { active: 'none' } };

/** One model: who answers now, and how a request gets exactly one answer while that changes. */
export class ModelRoute {
  readonly counts = new ReleaseCounts();
  active: Runner | undefined;
  fallback: Runner | undefined;
  /** Sees what the active release answered, and answers nobody. */
  mirror: Mirror | null = null;
  readonly #inFlight: InFlight;
  readonly #policy: FallbackPolicy;
  readonly #gone = new WeakSet<Runner>();
  readonly #watched = new WeakSet<Runner>();
  readonly #held = new Set<() => void>();

  constructor(inFlight: InFlight, policy: FallbackPolicy = WAIT) {
    this.#inFlight = inFlight;
    this.#policy = policy;
  }

  set(active: Runner | undefined, fallback: Runner | undefined): void {
    if (active && active.spec.digest !== this.active?.spec.digest) this.counts.startAt(active.spec.digest);
    this.active = active;
    this.fallback = fallback;
    for (const runner of [active, fallback]) if (runner) this.#watch(runner);
    for (const release of this.#held) release();
  }

  /** Nobody who is routed now is asked again. */
  pause(): void {
    for (const runner of [this.active, this.fallback]) if (runner) this.#gone.add(runner);
  }

  isAlive(runner: Runner | undefined): runner is Runner {
    return runner !== undefined && !this.#gone.has(runner);
  }

  /** Asks one release and no other. */
  async ask(runner: Runner, call: InferCall, signal: AbortSignal): Promise<Routed> {
    const reply = await this.#infer(runner, call, signal);
    this.#count(runner, reply);
    return { reply, runner };
  }

  /**
   * Asks the active release, then the fallback where the active one is gone or fails, and where nobody is there does
   * what was declared for that. A request that only waited when a
   * runner went is asked again of whoever is routed next; one that was executing never meets the same release twice.
   */
  async answer(call: InferCall, signal: AbortSignal): Promise<Routed> {
    const burnt = new Set<string>();
    const holdUntil = performance.now() + HOLD_MS;
    let failed: Routed | undefined;
    for (;;) {
      const { active, fallback } = this;
      if (!active) return this.#withoutRunner(call, 'MODEL_EMPTY');
      const isUsable = (runner: Runner | undefined): runner is Runner =>
        this.isAlive(runner) && !burnt.has(runner.spec.digest);
      const runner = isUsable(active) ? active : isUsable(fallback) ? fallback : undefined;
      if (!runner) {
        if (failed) return failed;
        if (burnt.size > 0 || this.#policy.kind === 'constant' || this.#policy.kind === 'unavailable') {
          return this.#withoutRunner(call, 'RUNNER_GONE');
        }
        await this.#hold(holdUntil - performance.now(), signal);
        continue;
      }
      try {
        const reply = await this.#infer(runner, call, signal);
        const isFallback = runner !== active;
        const routed: Routed = { reply, runner, ...(isFallback ? { fallback: 'previous' } : {}) };
        if (isFallback && reply.ok) this.counts.add(active.spec.digest, 'fallbacks');
        else this.#count(runner, reply);
        if (reply.ok && !isFallback) this.mirror?.(call, reply);
        if (reply.ok || reply.fault === 'client') return routed;
        failed ??= routed;
        burnt.add(runner.spec.digest);
      } catch (err) {
        if (!(err instanceof CodedError) || err.code !== 'RUNNER_GONE') throw err;
        if (err.at === 'executing') burnt.add(runner.spec.digest);
      }
    }
  }

  #withoutRunner(call: InferCall, code: 'MODEL_EMPTY' | 'RUNNER_GONE'): Routed {
    if (this.#policy.kind !== 'constant') throw new CodedError(code);
    if (this.active) this.counts.add(this.active.spec.digest, 'fallbacks');
    return { reply: this.#policy.answer(call), runner: CONSTANT_ANSWERER, fallback: 'constant' };
  }

  async #infer(runner: Runner, call: InferCall, signal: AbortSignal): Promise<InferReply> {
    try {
      return await this.#inFlight.during(runner, () => runner.infer(call, signal));
    } catch (err) {
      if (err instanceof CodedError && err.code === 'RUNNER_GONE') this.#gone.add(runner);
      throw err;
    }
  }

  #count(runner: Runner, reply: InferReply): void {
    const { digest } = runner.spec;
    if (reply.ok) this.counts.add(digest, 'answers');
    else this.counts.add(digest, reply.fault === 'client' ? 'rejected' : 'failures');
  }

  #watch(runner: Runner): void {
    if (this.#watched.has(runner)) return;
    this.#watched.add(runner);
    void runner.exited.then((exit) => {
      this.#gone.add(runner);
      if (exit.reason === 'stopped') return;
      this.counts.add(runner.spec.digest, 'runnerExits');
      this.counts.add(runner.spec.digest, 'failures');
    });
  }

  /** Resolves at the next change of the route. */
  async #hold(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CodedError('ABORTED');
    if (ms <= 0 || this.#held.size >= MAX_HELD) throw new CodedError('RUNNER_GONE');
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve(), { once: true });
    this.#held.add(resolve);
    await promise;
    this.#held.delete(resolve);
    clearTimeout(timer);
    if (signal.aborted) throw new CodedError('ABORTED');
  }
}
