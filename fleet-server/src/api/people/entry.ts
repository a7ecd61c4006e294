import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { checkSameOrigin } from '../access.ts';
import { hashSecret } from '../credentials.ts';
import { checkPassword, Password, PersonName } from '../passwords.ts';
import { answers } from '../schemas.ts';
import { type Doors, SessionView, sessionView } from './doors.ts';
import type { App, PeopleParts } from './parts.ts';

const Code = Type.String({ minLength: 1, maxLength: 64 });

/** First steps of a person, by one-time links: the first administrator's, and everybody's invitation. */
export function entryRoutes(
  app: App,
  { stores, passwords, clock }: PeopleParts,
  { sessions, gate, setup }: Doors,
): void {
  app.post(
    '/setup',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Make the first administrator, with the code of the set-up link; signs in',
        tags: ['session'],
        body: Type.Object(
          { code: Code, name: PersonName, password: Password },
          { additionalProperties: false },
        ),
        response: answers(SessionView, 201),
      },
    },
    async (request, reply) => {
      checkSameOrigin(request);
      const { code, name, password } = request.body;
      if (!(await stores.people.isEmpty())) throw new CodedError('SETUP_DONE');
      const isKnown = async () => (setup.isValid(code) ? true : null);
      if (!(await gate.attempt(null, request, reply, isKnown))) throw new CodedError('SETUP_CODE_INVALID');
      checkPassword(password, name);
      const hash = await passwords.hash(password);
      const person = await stores.people.createFirst({ name, password: hash }, clock());
      setup.useUp();
      const principal = { kind: 'person', name: person.name, role: person.role } as const;
      await sessions.open(principal, request, reply);
      return reply.code(201).send(sessionView(principal));
    },
  );

  app.post(
    '/invitation',
    {
      config: { role: 'none' },
      schema: {
        summary: 'Choose a password with the code of an invitation; signs in',
        tags: ['session'],
        body: Type.Object({ code: Code, password: Password }, { additionalProperties: false }),
        response: answers(SessionView, 201),
      },
    },
    async (request, reply) => {
      checkSameOrigin(request);
      const { code, password } = request.body;
      const hash = hashSecret(code);
      const find = () => stores.people.invited(hash, clock());
      const invited = await gate.attempt(null, request, reply, find);
      if (!invited) throw new CodedError('INVITATION_INVALID');
      checkPassword(password, invited.name);
      const stored = await passwords.hash(password);
      const { name, role } = await stores.people.acceptInvitation(hash, stored, clock());
      const principal = { kind: 'person', name, role } as const;
      await sessions.open(principal, request, reply);
      return reply.code(201).send(sessionView(principal));
    },
  );
}
