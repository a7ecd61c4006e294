import { CodedError } from '@ringfleet/shared/errors';
import type { EnrollmentToken } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { hashSecret, newSecret } from '../credentials.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema, StringMap } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const DAY_MS = 86_400_000;
const TokenName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Lifetime = Type.Integer({ minimum: 1_000, maximum: 366 * DAY_MS });

/** Tokens that admit devices. Secrets are shown once; the stores keep their sha256. */
export function tokenRoutes(app: App, { stores, caPin, config, clock }: PeopleParts): void {
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
          },
          { additionalProperties: false },
        ),
        response: answers(
          Type.Object({
            token: Type.String(),
            name: Type.String(),
            uses: Type.Integer(),
            expiresAtMs: Type.Integer(),
          }),
          201,
        ),
      },
    },
    async (request, reply) => {
      const { name, labels = {}, uses = 1, expiresInMs = DAY_MS } = request.body;
      const root = await stores.trust.get('root');
      if (root === null) throw new CodedError('TRUST_NOT_INITIALISED');
      const secret = newSecret();
      const expiresAtMs = clock() + expiresInMs;
      const change = changeOf(request, clock);
      await stores.tokens.createEnrollment(
        { name, secretHash: hashSecret(secret), labels, uses, expiresAtMs },
        change,
      );
      const content: EnrollmentToken = {
        v: 1,
        url: config.publicUrl(),
        caPin,
        root: JSON.parse(root) as unknown,
        secret,
        labels,
      };
      const token = `rfe1.${Buffer.from(JSON.stringify(content)).toString('base64url')}`;
      return reply.code(201).send({ token, name, uses, expiresAtMs });
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
