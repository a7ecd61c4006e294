import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { checkSameOrigin } from '../access.ts';
import type { Tokens } from '../credentials.ts';
import { answers } from '../schemas.ts';
import type { Sessions } from '../sessions.ts';
import type { App } from './parts.ts';

const SessionView = Type.Object({ name: Type.String(), role: Type.String() });

/** The dashboard's sign-in: a token, or the one-time link, is exchanged for a session cookie. */
export function sessionRoutes(app: App, tokens: Tokens, sessions: Sessions): void {
  app.post(
    '/session',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Sign in with an API token; sets the session cookie',
        tags: ['session'],
        body: Type.Object(
          { token: Type.String({ minLength: 1, maxLength: 512 }) },
          { additionalProperties: false },
        ),
        response: answers(SessionView, 201),
      },
    },
    async (request, reply) => {
      checkSameOrigin(request);
      const principal = await tokens.principalOf(request.body.token.trim());
      if (!principal) throw new CodedError('NOT_AUTHENTICATED', 'the token is unknown or past its date');
      sessions.open(principal, request, reply);
      return reply.code(201).send({ name: principal.name, role: principal.role });
    },
  );

  app.get(
    '/session',
    {
      config: { role: 'viewer' },
      schema: { summary: 'Who is signed in', tags: ['session'], response: answers(SessionView) },
    },
    async (request) => {
      const { principal } = request;
      if (!principal) throw new CodedError('NOT_AUTHENTICATED');
      return { name: principal.name, role: principal.role };
    },
  );

  app.delete(
    '/session',
    { config: { role: 'viewer' }, schema: { summary: 'Sign out', tags: ['session'] } },
    async (request, reply) => {
      sessions.close(request, reply);
      return reply.code(204).send();
    },
  );
}

/** GET /signin?code=…: the link that the server prints at its start. */
export function signInRoute(app: App, sessions: Sessions): void {
  app.get(
    '/signin',
    {
      config: { role: 'none' },
      schema: {
        hide: true,
        querystring: Type.Object({ code: Type.String({ minLength: 1, maxLength: 64 }) }),
      },
    },
    async (request, reply) => {
      const principal = sessions.redeem(request.query.code);
      if (!principal) throw new CodedError('SIGN_IN_CODE_INVALID');
      sessions.open(principal, request, reply);
      return reply.redirect('/', 303);
    },
  );
}
