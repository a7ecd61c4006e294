import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import type { Invitation } from '../../ports/people.ts';
import { changeOf } from '../access.ts';
import { hashSecret, newSecret } from '../credentials.ts';
import { PersonName } from '../passwords.ts';
import { answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const INVITATION_MS = 24 * 3_600_000;

export const RoleName = Type.Union([
  Type.Literal('viewer'),
  Type.Literal('operator'),
  Type.Literal('publisher'),
  Type.Literal('admin'),
]);
const PersonView = Type.Object({
  name: Type.String(),
  role: RoleName,
  createdAtMs: Type.Integer(),
  lastSignInAtMs: nullable(Type.Integer()),
  hasPassword: Type.Boolean(),
  isExternal: Type.Boolean(),
});
const Invited = Type.Object({
  person: PersonView,
  /** Opens the page where the person chooses a password; shown this once. */
  link: Type.String(),
  expiresAtMs: Type.Integer(),
});
const ByName = Type.Object({ name: PersonName });
const tags = ['people'];

/** Who may use this fleet, for administrators. They never learn a password: a one-time link lets the person choose it. */
export function personRoutes(app: App, { stores, clock, config }: PeopleParts): void {
  const { people } = stores;

  const invite = (): { invitation: Invitation; link: string; expiresAtMs: number } => {
    const code = newSecret();
    const expiresAtMs = clock() + INVITATION_MS;
    const link = `${config.publicUrl()}/invitation?code=${code}`;
    return { invitation: { hash: hashSecret(code), expiresAtMs }, link, expiresAtMs };
  };

  app.get(
    '/people',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'The people of the fleet, by name',
        tags,
        querystring: PageQuery,
        response: answers(pageSchema(PersonView)),
      },
    },
    async ({ query }) => asAnswer(await people.list(pageOf(query))),
  );

  app.post(
    '/people',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Invite a person; the answer holds the link where they choose a password',
        tags,
        body: Type.Object({ name: PersonName, role: RoleName }, { additionalProperties: false }),
        response: answers(Invited, 201),
      },
    },
    async (request, reply) => {
      const { invitation, link, expiresAtMs } = invite();
      const person = await people.create({ ...request.body, invitation }, changeOf(request, clock));
      return reply.code(201).send({ person, link, expiresAtMs });
    },
  );

  app.patch(
    '/people/:name',
    {
      config: { role: 'admin' },
      schema: {
        summary: "Change a person's role; counts at once",
        tags,
        params: ByName,
        body: Type.Object({ role: RoleName }, { additionalProperties: false }),
        response: answers(PersonView),
      },
    },
    async (request) => people.setRole(request.params.name, request.body.role, changeOf(request, clock)),
  );

  app.delete(
    '/people/:name',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Remove a person, with all sessions and every token they signed in with or made for scripts',
        tags,
        params: ByName,
      },
    },
    async (request, reply) => {
      await people.remove(request.params.name, changeOf(request, clock));
      return reply.code(204).send();
    },
  );

  app.post(
    '/people/:name/reset',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Void the password, end all sessions, and make a new link to choose one',
        tags,
        params: ByName,
        response: answers(Invited, 201),
      },
    },
    async (request, reply) => {
      const { invitation, link, expiresAtMs } = invite();
      const person = await people.reset(request.params.name, invitation, changeOf(request, clock));
      return reply.code(201).send({ person, link, expiresAtMs });
    },
  );

  app.delete(
    '/people/:name/sessions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Sign a person out everywhere',
        tags,
        params: ByName,
        response: answers(Type.Object({ ended: Type.Integer() })),
      },
    },
    async (request) => {
      const person = await people.get(request.params.name);
      if (!person) throw new CodedError('PERSON_UNKNOWN', `there is no person ${request.params.name}`);
      const of = { kind: 'person', name: person.name } as const;
      return { ended: await stores.sessions.closeAll(of, changeOf(request, clock)) };
    },
  );
}
