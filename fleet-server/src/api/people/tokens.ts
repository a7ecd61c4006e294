import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema, StringMap } from '../schemas.ts';
import { makeEnrollmentToken } from './enrollment-token.ts';
import { installCommand } from './install.ts';
import type { App, PeopleParts } from './parts.ts';

const DAY_MS = 86_400_000;
const TokenName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Lifetime = Type.Integer({ minimum: 1_000, maximum: 366 * DAY_MS });

/** Tokens that admit devices. Secrets are shown once; the stores keep their sha256. */
export function tokenRoutes(app: App, parts: PeopleParts): void {
  const { stores, clock, config, caPem, onlineKey } = parts;
  app.post(
    '/tokens/enrollment',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Make an enrollment token; its text is shown this once',
        tags: ['tokens'],
        body: Type.Object(
          {
            name: TokenName,
            labels: Type.Optional(StringMap),
            uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
            expiresInMs: Type.Optional(Lifetime),
            approval: Type.Optional(
              Type.Boolean({ description: 'every device that comes with it waits for a person' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: answers(
          Type.Object({
            token: Type.String(),
            name: Type.String(),
            uses: Type.Integer(),
            expiresAtMs: Type.Integer(),
            install: Type.String({
              description: 'one line for the device, which reads the token from a file',
            }),
          }),
          201,
        ),
      },
    },
    async (request, reply) => {
      const { name, labels = {}, uses = 1, expiresInMs = DAY_MS, approval = false } = request.body;
      const expiresAtMs = clock() + expiresInMs;
      const asked = { name, labels, uses, expiresAtMs, needsApproval: approval };
      const token = await makeEnrollmentToken(parts, asked, changeOf(request, clock));
      return reply.code(201).send({
        token,
        name,
        uses,
        expiresAtMs,
        install: installCommand(config.publicUrl(), caPem, onlineKey.publicKey),
      });
    },
  );

  app.get(
    '/tokens/enrollment',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Enrollment tokens, newest first, without their secrets',
        tags: ['tokens'],
        querystring: PageQuery,
        response: answers(
          pageSchema(
            Type.Object({
              name: Type.String(),
              labels: StringMap,
              usesLeft: Type.Integer(),
              expiresAtMs: Type.Integer(),
              createdAtMs: Type.Integer(),
            }),
          ),
        ),
      },
    },
    async ({ query }) => asAnswer(await stores.tokens.listEnrollment(pageOf(query))),
  );
}
