import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type AttemptLimits,
  type Attempts,
  isForgotten,
  PER_ACCOUNT,
  PER_ADDRESS,
  waitMs,
  withFailure,
} from '../core/sign-in-attempts.ts';
import type { Clock } from '../ports/log.ts';

const MAX_KEYS = 20_000;

/** Slows guessing down, per account and per address. In memory: who can restart the server needs no password. */
export class SignInGate {
  readonly #clock: Clock;
  readonly #known = new Map<string, { limits: AttemptLimits; attempts: Attempts }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs one attempt: `check` answers null when it fails. It counts as failed from its start, so that many at once are
   * not all let through. Throws SIGN_IN_LOCKED.
   */
  async attempt<T>(
    account: string | null,
    request: FastifyRequest,
    reply: FastifyReply,
    check: () => Promise<T | null>,
  ): Promise<T | null> {
    const keys: [string, AttemptLimits][] = [[`address ${networkOf(request.ip)}`, PER_ADDRESS]];
    if (account !== null) keys.push([`account ${account.toLowerCase()}`, PER_ACCOUNT]);
    this.#mayTry(keys, reply);
    const before = keys.map(([key]) => this.#known.get(key));
    for (const [key, limits] of keys) this.#count(key, limits);
    const result = await check();
    if (result !== null) {
      for (const [index, [key]] of keys.entries()) this.#forgive(key, before[index]);
    }
    return result;
  }

  #mayTry(keys: readonly (readonly [string, AttemptLimits])[], reply: FastifyReply): void {
    const now = this.#clock();
    const wait = Math.max(
      ...keys.map(([key, limits]) => waitMs(this.#known.get(key)?.attempts, limits, now)),
    );
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1_000);
    reply.header('retry-after', String(seconds));
    throw new CodedError('SIGN_IN_LOCKED', `the next attempt is possible in ${seconds} s`);
  }

  #count(key: string, limits: AttemptLimits): void {
    const now = this.#clock();
    const before = this.#known.get(key);
    this.#known.delete(key);
    if (this.#known.size >= MAX_KEYS) this.#shrink(now);
    this.#known.set(key, { limits, attempts: withFailure(before?.attempts, limits, now) });
  }

  /** A success clears the account; of an address only the attempt itself: others may be guessing from it. */
  #forgive(key: string, before: { limits: AttemptLimits; attempts: Attempts } | undefined): void {
    if (key.startsWith('account ') || !before) this.#known.delete(key);
    else this.#known.set(key, before);
  }

  #shrink(now: number): void {
    for (const [key, { limits, attempts }] of this.#known) {
      if (isForgotten(attempts, limits, now)) this.#known.delete(key);
    }
    const oldest = this.#known.keys().next().value;
    if (this.#known.size >= MAX_KEYS && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** One household has one IPv6 /64. */
const networkOf = (ip: string): string =>
  ip.includes(':') && !ip.includes('.') ? ip.split(':').slice(0, 4).join(':') : ip;
