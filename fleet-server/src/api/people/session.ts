import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { changeOf, checkSameOrigin } from '../access.ts';
import { Password, PersonName } from '../passwords.ts';
import { answers } from '../schemas.ts';
import type { Sessions } from '../sessions.ts';
import { byPassword, type Doors, SessionView, sessionView } from './doors.ts';
import type { App, PeopleParts } from './parts.ts';

const Credentials = Type.Union([
  Type.Object({ token: Type.String({ minLength: 1, maxLength: 512 }) }, { additionalProperties: false }),
  Type.Object({ name: PersonName, password: Password }, { additionalProperties: false }),
]);

/** The dashboard's sign-in: name and password, or a token, are exchanged for a session cookie. */
export function sessionRoutes(app: App, parts: PeopleParts, { tokens, sessions, gate }: Doors): void {
  app.post(
    '/session',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Sign in with name and password, or with an API token; sets the session cookie',
        tags: ['session'],
        body: Credentials,
        response: answers(SessionView, 201),
      },
    },
    async (request, reply) => {
      checkSameOrigin(request);
      const given = request.body;
      const principal =
        'token' in given
          ? await gate.attempt(null, request, reply, () => tokens.principalOf(given.token.trim()))
          : await byPassword(parts, gate, given, request, reply);
      if (!principal) throw new CodedError('NOT_AUTHENTICATED', 'the token is unknown or past its date');
      await sessions.open(principal, request, reply);
      return reply.code(201).send(sessionView(principal));
    },
  );

  app.get(
    '/session',
    {
      config: { role: 'viewer' },
      schema: { summary: 'Who is signed in', tags: ['session'], response: answers(SessionView) },
    },
    async (request) => sessionView(changeOf(request, parts.clock).by),
  );

  app.delete(
    '/session',
    { config: { role: 'viewer' }, schema: { summary: 'Sign out', tags: ['session'] } },
    async (request, reply) => {
      await sessions.close(request, reply);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/sessions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Sign out everywhere: ends all own sessions, and the tokens of `ringfleet login`',
        tags: ['session'],
        response: answers(Type.Object({ ended: Type.Integer() })),
      },
    },
    async (request) => {
      const change = changeOf(request, parts.clock);
      return { ended: await parts.stores.sessions.closeAll(change.by, change) };
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
      await sessions.open(principal, request, reply);
      return reply.redirect('/', 303);
    },
  );
}
