import { Capabilities, Id, normalApprovalCode } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer, nullable, PageQuery, pageOf, pageSchema, StringMap } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const ById = Type.Object({ id: Id });
const Done = Type.Object({ id: Type.String(), state: Type.String() });
const Pending = Type.Object({
  id: Type.String(),
  code: Type.String({ description: 'the device shows the same' }),
  labels: StringMap,
  capabilities: nullable(Capabilities),
  address: nullable(Type.String()),
  requestedAtMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  approvedBy: nullable(Type.String()),
});

/** Devices that came with a token that asks for approval. */
export function enrollmentApprovalRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.get(
    '/enrollments',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Devices that wait for approval, by id',
        tags: ['devices'],
        querystring: PageQuery,
        response: answers(pageSchema(Pending)),
      },
    },
    async ({ query }) => asAnswer(await stores.pending.list({ ...pageOf(query), nowMs: clock() })),
  );

  app.post(
    '/enrollments/:id/approve',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Admit a device whose code was read on the device itself',
        tags: ['devices'],
        params: ById,
        body: Type.Object({ code: Type.String({ maxLength: 20 }) }, { additionalProperties: false }),
        response: answers(Done),
      },
    },
    async (request) => {
      const { id } = request.params;
      await stores.pending.approve(id, normalApprovalCode(request.body.code), changeOf(request, clock));
      return { id, state: 'approved' };
    },
  );

  app.post(
    '/enrollments/:id/reject',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Do not admit a device that waits',
        tags: ['devices'],
        params: ById,
        response: answers(Done),
      },
    },
    async (request) => {
      const { id } = request.params;
      await stores.pending.reject(id, changeOf(request, clock));
      return { id, state: 'rejected' };
    },
  );
}
