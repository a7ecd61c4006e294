import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { IdentityProvider, SignInChecks } from '../../ports/identity-provider.ts';
import { answers } from '../schemas.ts';
import type { Doors } from './doors.ts';
import type { App, PeopleParts } from './parts.ts';

const PENDING_MS = 10 * 60_000;
const MAX_PENDING = 1_000;
const CALLBACK = '/signin/oidc/callback';

/** Tells the dashboard which ways in there are. */
export function waysInRoute(app: App, identityProvider: IdentityProvider | null): void {
  app.get(
    '/session/ways',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Which ways to sign in this server has',
        tags: ['session'],
        response: answers(Type.Object({ identityProvider: Type.Boolean() })),
      },
    },
    async () => ({ identityProvider: identityProvider !== null }),
  );
}

/** To the organisation's sign-in and back. The state is bound to the browser by a cookie of its own. */
export function oidcRoutes(
  app: App,
  { stores, clock, config }: PeopleParts,
  { sessions }: Doors,
  provider: IdentityProvider,
): void {
  const pending = new Map<string, { checks: SignInChecks; redirectUri: string; untilMs: number }>();

  app.get('/signin/oidc', { config: { role: 'none' }, schema: { hide: true } }, async (request, reply) => {
    const here = request.protocol === 'https' ? config.publicUrl() : `http://${request.headers.host}`;
    const redirectUri = `${here}${CALLBACK}`;
    const { url, checks } = await provider.begin(redirectUri);
    const oldest = pending.keys().next().value;
    if (pending.size >= MAX_PENDING && oldest !== undefined) pending.delete(oldest);
    pending.set(checks.state, { checks, redirectUri, untilMs: clock() + PENDING_MS });
    // Lax: the provider's page leads back here.
    reply.header('set-cookie', `${cookie(request, checks.state)}; Max-Age=${PENDING_MS / 1_000}`);
    return reply.redirect(url, 303);
  });

  app.get(
    CALLBACK,
    {
      config: { role: 'none' },
      schema: { hide: true, querystring: Type.Object({ state: Type.String({ maxLength: 256 }) }) },
    },
    async (request, reply) => {
      const { state } = request.query;
      const found = pending.get(state);
      const isSameBrowser = (request.headers.cookie ?? '')
        .split(/; */)
        .includes(`${cookieName(request)}=${state}`);
      if (!found || !isSameBrowser || found.untilMs <= clock())
        throw new CodedError('OIDC_REFUSED', 'this sign-in was not begun in this browser, or took too long');
      pending.delete(state);
      const { search } = new URL(request.url, 'http://callback.invalid');
      const person = await provider.finish(new URL(`${found.redirectUri}${search}`), found.checks);
      const { externalId, name, role } = person;
      if (role === null) throw new CodedError('OIDC_NO_ROLE', `${name} has none of the roles in server.yaml`);
      const known = await stores.people.signedInOutside({ externalId, name, role }, clock());
      await sessions.open({ kind: 'person', name: known.name, role: known.role }, request, reply);
      reply.header('set-cookie', `${cookie(request, '')}; Max-Age=0`);
      return reply.redirect('/', 303);
    },
  );
}

const cookieName = (request: FastifyRequest): string =>
  request.protocol === 'https' ? '__Host-ringfleet-oidc' : 'ringfleet-loopback-oidc';

const cookie = (request: FastifyRequest, value: string): string =>
  `${cookieName(request)}=${value}; Path=/; HttpOnly; SameSite=Lax${request.protocol === 'https' ? '; Secure' : ''}`;
