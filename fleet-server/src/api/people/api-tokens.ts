import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { ADMIN, API_TOKEN_PREFIX, hashSecret, newSecret } from '../credentials.ts';
import { answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';
import { RoleName } from './persons.ts';

const TokenName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Lifetime = Type.Integer({ minimum: 1_000, maximum: 366 * 86_400_000 });
const tags = ['tokens'];

const MadeToken = Type.Object({
  token: Type.String(),
  name: Type.String(),
  role: Type.String(),
  expiresAtMs: nullable(Type.Integer()),
});
const TokenView = Type.Object({
  name: Type.String(),
  role: RoleName,
  /** Whose it is, of a token of `ringfleet login`. */
  person: nullable(Type.String()),
  /** Who counts as acting when the token does. */
  owner: nullable(Type.String()),
  createdBy: Type.String(),
  createdAtMs: Type.Integer(),
  expiresAtMs: nullable(Type.Integer()),
  lastUsedAtMs: nullable(Type.Integer()),
});

/** Tokens for scripts. Each is shown once; the stores keep its sha256. */
export function apiTokenRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.post(
    '/tokens/api',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Make an API token; it is shown this once',
        tags,
        body: Type.Object(
          { name: TokenName, role: RoleName, expiresInMs: Type.Optional(nullable(Lifetime)) },
          { additionalProperties: false },
        ),
        response: answers(MadeToken, 201),
      },
    },
    async (request, reply) => {
      const { name, role, expiresInMs = null } = request.body;
      // The audit log must never take one for the token of the data folder.
      if (name === ADMIN.name)
        throw new CodedError('TOKEN_EXISTS', `${name} is the token of the data folder`);
      const token = `${API_TOKEN_PREFIX}${newSecret()}`;
      const expiresAtMs = expiresInMs === null ? null : clock() + expiresInMs;
      const made = { name, secretHash: hashSecret(token), role, expiresAtMs };
      await stores.tokens.createApi(made, changeOf(request, clock));
      return reply.code(201).send({ token, name, role, expiresAtMs });
    },
  );

  app.get(
    '/tokens/api',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'API tokens, newest first, without their secrets',
        tags,
        querystring: PageQuery,
        response: answers(pageSchema(TokenView)),
      },
    },
    async ({ query }) => asAnswer(await stores.tokens.listApi(pageOf(query))),
  );

  app.delete(
    '/tokens/api/:name',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Revoke an API token and the sessions opened with it',
        tags,
        params: Type.Object({ name: TokenName }),
      },
    },
    async (request, reply) => {
      await stores.tokens.revokeApi(request.params.name, changeOf(request, clock));
      return reply.code(204).send();
    },
  );
}
