import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../core/domain.ts';
import type { Clock } from '../ports/log.ts';
import type { TokenStore } from '../ports/stores.ts';
import type { Authenticate } from './access.ts';
import type { Sessions } from './sessions.ts';

/** Bare hex sha256 of a secret, the only form in which the stores keep one: secrets are random and long. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** 256 random bits that survive every shell and URL. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

export const API_TOKEN_PREFIX = 'rfa_';

/** Recognises the admin token of the data folder and the API tokens of the store. */
export class Tokens {
  readonly #adminHash: Buffer;
  readonly #store: TokenStore;
  readonly #clock: Clock;

  constructor(adminToken: string, store: TokenStore, clock: Clock) {
    this.#adminHash = Buffer.from(hashSecret(adminToken), 'hex');
    this.#store = store;
    this.#clock = clock;
  }

  async principalOf(token: string): Promise<Principal | null> {
    const hash = hashSecret(token);
    // Digests are compared, in constant time: neither length nor prefix of the token can be measured.
    if (timingSafeEqual(Buffer.from(hash, 'hex'), this.#adminHash)) return ADMIN;
    return this.#store.findApi(hash, this.#clock());
  }
}

/** Bearer token first, then the dashboard's session cookie. */
export function authenticator(tokens: Tokens, sessions: Sessions): Authenticate {
  return async (request: FastifyRequest) => {
    const header = request.headers.authorization;
    if (header !== undefined) {
      const token = /^Bearer ([A-Za-z0-9._~+/-]{1,512}=*)$/i.exec(header)?.[1];
      const principal = token === undefined ? null : await tokens.principalOf(token);
      if (!principal) throw new CodedError('NOT_AUTHENTICATED', 'the token is unknown or past its date');
      return { principal, byCookie: false };
    }
    const principal = await sessions.principalOf(request);
    return principal ? { principal, byCookie: true } : null;
  };
}

/** Whoever can read the data folder; the sign-in link of the start is theirs, too. */
export const ADMIN: Principal = { kind: 'token', name: 'admin', role: 'admin' };
