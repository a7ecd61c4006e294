import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../core/domain.ts';
import type { Clock } from '../ports/log.ts';
import { SESSION_LONGEST_MS, type SessionStore } from '../ports/people.ts';
import { hashSecret } from './credentials.ts';

const CODE_MS = 15 * 60_000;

interface Code {
  readonly principal: Principal;
  readonly expiresAtMs: number;
}

/** The dashboard's cookies over the stored sessions, and the one-time codes of the sign-in link (in memory). */
export class Sessions {
  readonly #codes = new Map<string, Code>();
  readonly #store: SessionStore;
  readonly #clock: Clock;

  constructor(store: SessionStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A code for the sign-in link: works once, for 15 minutes. */
  newCode(principal: Principal): string {
    const code = randomBytes(24).toString('base64url');
    this.#codes.set(code, { principal, expiresAtMs: this.#clock() + CODE_MS });
    return code;
  }

  redeem(code: string): Principal | null {
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    return found && found.expiresAtMs > this.#clock() ? found.principal : null;
  }

  /** Starts a session and sets its cookie. */
  async open(principal: Principal, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const id = randomBytes(32).toString('base64url');
    await this.#store.open(hashSecret(id), principal, this.#clock());
    // The store ends it earlier when it is not used.
    reply.header('set-cookie', cookie(request, id, SESSION_LONGEST_MS / 1_000));
  }

  async principalOf(request: FastifyRequest): Promise<Principal | null> {
    const id = sessionIdOf(request);
    return id === null ? null : this.#store.find(hashSecret(id), this.#clock());
  }

  async close(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const id = sessionIdOf(request);
    if (id !== null) await this.#store.close(hashSecret(id));
    reply.header('set-cookie', cookie(request, '', 0));
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
  const pair = (request.headers.cookie ?? '').split(/; */).find((text) => text.startsWith(prefix));
  return pair?.slice(prefix.length) || null;
}
