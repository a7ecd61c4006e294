import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../core/domain.ts';
import type { Clock } from '../ports/log.ts';

const SESSION_MS = 12 * 3_600_000;
const SIGN_IN_MS = 15 * 60_000;
const MAX_SESSIONS = 1_000;

interface Session {
  readonly principal: Principal;
  readonly expiresAtMs: number;
}

/** Dashboard sessions and one-time sign-in codes, in memory: a restart signs everybody out. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #codes = new Map<string, Session>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A code for the sign-in link: works once, for 15 minutes. */
  newCode(principal: Principal): string {
    const code = randomBytes(24).toString('base64url');
    this.#codes.set(code, { principal, expiresAtMs: this.#clock() + SIGN_IN_MS });
    return code;
  }

  redeem(code: string): Principal | null {
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    return found && found.expiresAtMs > this.#clock() ? found.principal : null;
  }

  /** Starts a session and sets its cookie. */
  open(principal: Principal, request: FastifyRequest, reply: FastifyReply): void {
    this.#forgetOld();
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(id, { principal, expiresAtMs: this.#clock() + SESSION_MS });
    reply.header('set-cookie', cookie(request, id, SESSION_MS / 1_000));
  }

  principalOf(request: FastifyRequest): Principal | null {
    const session = this.#sessions.get(sessionIdOf(request) ?? '');
    return session && session.expiresAtMs > this.#clock() ? session.principal : null;
  }

  close(request: FastifyRequest, reply: FastifyReply): void {
    this.#sessions.delete(sessionIdOf(request) ?? '');
    reply.header('set-cookie', cookie(request, '', 0));
  }

  #forgetOld(): void {
    const now = this.#clock();
    for (const [id, session] of this.#sessions) {
      // Oldest first: a map keeps the order of insertion.
      if (session.expiresAtMs <= now || this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(id);
      else break;
    }
  }
}

/** `__Host-` cookies exist over TLS only; the plain loopback listener has a name of its own. */
const cookieName = (request: FastifyRequest): string =>
  request.protocol === 'https' ? '__Host-ringfleet' : 'ringfleet-loopback';

function cookie(request: FastifyRequest, id: string, maxAgeSeconds: number): string {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  return `${cookieName(request)}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}

function sessionIdOf(request: FastifyRequest): string | null {
  const prefix = `${cookieName(request)}=`;
  const pair = (request.headers.cookie ?? '').split('; ').find((text) => text.startsWith(prefix));
  return pair?.slice(prefix.length) || null;
}
