import { trustedNow } from '@ringfleet/shared/trust';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from './system-clock.ts';

export interface TrustedClockOptions {
  /** When this program was built, epoch ms. */
  readonly buildMs: number;
  /** The newest signed time on disk; 0 without one. */
  readonly persistedMs: number;
  readonly system?: Clock;
  /** Since the process started, ms. */
  readonly monotonicMs?: () => number;
}

/** The agent's clock: trusted now in place of the system's time (DESIGN §4). */
export class TrustedClock implements Clock {
  readonly #system: Clock;
  readonly #monotonicMs: () => number;
  readonly #buildMs: number;
  #persistedMs: number;
  #lastSigned: { atMs: number; monotonicAtReceiptMs: number } | null = null;

  constructor(options: TrustedClockOptions) {
    this.#system = options.system ?? systemClock;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#buildMs = options.buildMs;
    this.#persistedMs = options.persistedMs;
  }

  nowMs(): number {
    const now = trustedNow({
      systemMs: this.#system.nowMs(),
      monotonicMs: this.#monotonicMs(),
      buildMs: this.#buildMs,
      persistedMs: this.#persistedMs,
      lastSigned: this.#lastSigned,
    });
    return Math.floor(now);
  }

  random(): number {
    return this.#system.random();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#system.sleep(ms, signal);
  }

  /** A verified time arrived; `persistedMs` is what the disk holds since. */
  learn(signed: {
    readonly atMs: number;
    readonly persistedMs: number;
    readonly monotonicAtReceiptMs?: number;
  }): void {
    const { atMs, persistedMs, monotonicAtReceiptMs = this.#monotonicMs() } = signed;
    this.#persistedMs = persistedMs;
    this.#lastSigned = { atMs, monotonicAtReceiptMs };
  }

  /** The last time that the server signed for in this start, as it would read now; null before one. */
  get signedAtMs(): number | null {
    return this.#lastSigned?.atMs ?? null;
  }

  /** What the machine itself says, right or wrong. */
  systemMs(): number {
    return this.#system.nowMs();
  }

  /** Since the process started; never jumps. */
  monotonicMs(): number {
    return this.#monotonicMs();
  }
}
