import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { Principal, Role } from '../core/domain.ts';
import { allows } from '../core/roles.ts';
import type { Clock } from '../ports/log.ts';
import type { Change } from '../ports/stores.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; `none` needs no credentials. Every route declares it. */
    role?: Role | 'none';
  }
  interface FastifyRequest {
    principal: Principal | null;
    /** True when the browser's session cookie named the principal: such requests need the CSRF checks. */
    isCookieAuthenticated: boolean;
  }
}

/** Finds out who asks; throws NOT_AUTHENTICATED for credentials that are wrong, answers null when there are none. */
export type Authenticate = (
  request: FastifyRequest,
) => Promise<{ principal: Principal; byCookie: boolean } | null>;

/**
 * The one place where rights are decided: before every handler the caller is resolved and compared with the role that
 * the route declares. A route without a role stops the start.
 */
export function guardRoutes(app: FastifyInstance, authenticate: Authenticate): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  app.addHook('onReady', async () => {
    for (const route of routes) {
      if (route.config?.role === undefined) throw new Error(`${route.method} ${route.url} declares no role`);
    }
  });
  app.decorateRequest('principal', null);
  app.decorateRequest('isCookieAuthenticated', false);
  app.addHook('onRequest', async (request) => {
    const needed = request.is404 ? 'none' : (request.routeOptions.config.role ?? 'admin');
    if (needed === 'none') return;
    const found = await authenticate(request);
    if (!found) throw new CodedError('NOT_AUTHENTICATED');
    request.principal = found.principal;
    request.isCookieAuthenticated = found.byCookie;
    if (found.byCookie) checkSameOrigin(request);
    if (!allows(found.principal.role, needed)) {
      throw new CodedError(
        'NOT_AUTHORIZED',
        `this needs the role ${needed}; ${found.principal.name} is ${found.principal.role}`,
      );
    }
  });
}

/**
 * Browsers add cookies to requests of other sites as well: what changes something must come from our own pages, and what
 * only reads must not come from another site.
 */
export function checkSameOrigin(request: FastifyRequest): void {
  const { origin, host, 'sec-fetch-site': site, 'x-ringfleet-csrf': mark } = request.headers;
  const isOurs = origin === undefined || origin === `${request.protocol}://${host}`;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isSame = site === undefined || site === 'same-origin' || (isRead && site === 'none');
  if (isOurs && isSame && (isRead || mark === '1')) return;
  throw new CodedError('CROSS_SITE_REQUEST');
}

/** Whom a change is written down to. */
export function changeOf(request: FastifyRequest, clock: Clock): Change {
  if (!request.principal) throw new CodedError('NOT_AUTHENTICATED');
  return { by: request.principal, atMs: clock() };
}
