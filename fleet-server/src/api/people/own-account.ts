import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { API_TOKEN_PREFIX, hashSecret, newSecret } from '../credentials.ts';
import { checkPassword, Password, PersonName } from '../passwords.ts';
import { answers } from '../schemas.ts';
import { byPassword, type Doors, SessionView, sessionView } from './doors.ts';
import type { App, PeopleParts } from './parts.ts';

const LOGIN_MS = 30 * 86_400_000;

/** What a person does about their own account. */
export function ownAccountRoutes(app: App, parts: PeopleParts, { sessions, gate }: Doors): void {
  const { stores, passwords, clock } = parts;

  app.post(
    '/session/token',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Sign in for the command line: name and password give a token that acts as this person',
        tags: ['session'],
        body: Type.Object({ name: PersonName, password: Password }, { additionalProperties: false }),
        response: answers(
          Type.Object({
            token: Type.String(),
            name: Type.String(),
            role: Type.String(),
            expiresAtMs: Type.Integer(),
          }),
          201,
        ),
      },
    },
    async (request, reply) => {
      const principal = await byPassword(parts, gate, request.body, request, reply);
      const secret = newSecret();
      const token = `${API_TOKEN_PREFIX}${secret}`;
      const nowMs = clock();
      await stores.tokens.createApi(
        {
          name: `login-${principal.name.replaceAll('@', '-').slice(0, 40)}-${hashSecret(token).slice(0, 8)}`,
          secretHash: hashSecret(token),
          // As much as the person may at any time: no more than the person's own role counts.
          role: 'admin',
          expiresAtMs: nowMs + LOGIN_MS,
          person: principal.name,
        },
        { by: principal, atMs: nowMs },
      );
      const { name, role } = principal;
      return reply.code(201).send({ token, name, role, expiresAtMs: nowMs + LOGIN_MS });
    },
  );

  app.post(
    '/session/password',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Change the own password; every other session and login token of the person ends',
        tags: ['session'],
        body: Type.Object({ current: Password, password: Password }, { additionalProperties: false }),
        response: answers(SessionView, 201),
      },
    },
    async (request, reply) => {
      const { name } = personOf(request);
      const { current, password } = request.body;
      const principal = await byPassword(parts, gate, { name, password: current }, request, reply);
      checkPassword(password, name);
      await stores.people.setPassword(name, await passwords.hash(password), changeOf(request, clock));
      if (request.isCookieAuthenticated) await sessions.open(principal, request, reply);
      return reply.code(201).send(sessionView(principal));
    },
  );
}

function personOf({ principal }: FastifyRequest): { readonly name: string } {
  if (principal?.kind === 'person') return principal;
  throw new CodedError('PERSON_NEEDED');
}
