import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../ports/log.ts';
import { hashSecret } from './credentials.ts';

const SETUP_MS = 15 * 60_000;

/** The code of the set-up link: made at the start while the fleet has no person; works once, for 15 minutes. */
export class SetupCode {
  readonly #clock: Clock;
  #current: { readonly hash: Buffer; readonly expiresAtMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  make(): string {
    const code = randomBytes(24).toString('base64url');
    this.#current = { hash: Buffer.from(hashSecret(code), 'hex'), expiresAtMs: this.#clock() + SETUP_MS };
    return code;
  }

  isValid(code: string): boolean {
    const current = this.#current;
    return (
      current !== null &&
      current.expiresAtMs > this.#clock() &&
      timingSafeEqual(current.hash, Buffer.from(hashSecret(code), 'hex'))
    );
  }

  useUp(): void {
    this.#current = null;
  }
}
