import { CATALOG } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { Checkpoint } from '../../audit/checkpoint.ts';
import { answers, asAnswer, nullable } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Mark = Type.Object({ seq: Type.Integer(), hash: Type.String() });
const MOST_CHECKPOINTS = 1_000;

/** Proof that the audit log is whole, and the checkpoints to keep elsewhere. */
export function auditRoutes(app: App, { auditTrail }: PeopleParts): void {
  app.get(
    '/audit/verify',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'Compute the hash chain again; `seq` and `hash` of a checkpoint kept elsewhere are compared too',
        tags: ['events'],
        querystring: Type.Object(
          { seq: Type.Optional(Type.Integer({ minimum: 1 })), hash: Type.Optional(Hash) },
          { additionalProperties: false },
        ),
        response: answers(
          Type.Object({
            ok: Type.Boolean(),
            rows: Type.Integer(),
            head: nullable(Mark),
            checkpoints: Type.Integer(),
            unusable: Type.Integer(),
            problem: nullable(
              Type.Object({ code: Type.String(), seq: Type.Integer(), sentence: Type.String() }),
            ),
          }),
        ),
      },
    },
    async ({ query: { seq, hash } }) => {
      const outside = seq !== undefined && hash !== undefined ? [{ seq, hash }] : [];
      const { problem, ...verdict } = await auditTrail.verify(outside);
      return asAnswer({
        ok: problem === null,
        ...verdict,
        problem: problem && { ...problem, sentence: CATALOG[problem.code].sentence },
      });
    },
  );

  app.get(
    '/audit/checkpoints',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Signed checkpoints, oldest first, to be kept outside of the server',
        tags: ['events'],
        querystring: Type.Object(
          { after: Type.Optional(Type.Integer({ minimum: 0 })) },
          { additionalProperties: false },
        ),
        response: answers(Type.Object({ items: Type.Array(Checkpoint) })),
      },
    },
    async ({ query: { after = 0 } }) => {
      const all = await auditTrail.checkpoints();
      return { items: all.filter(({ seq }) => seq > after).slice(0, MOST_CHECKPOINTS) };
    },
  );
}
