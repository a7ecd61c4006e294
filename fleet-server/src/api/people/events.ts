import { Type } from 'typebox';
import type { EventStreams } from '../event-stream.ts';
import { AnyObject, answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const FleetEventSchema = Type.Object({
  seq: Type.Integer(),
  atMs: Type.Integer(),
  kind: Type.Union([
    Type.Literal('device'),
    Type.Literal('state'),
    Type.Literal('rollout'),
    Type.Literal('release'),
    Type.Literal('ring'),
    Type.Literal('alert'),
    Type.Literal('trust'),
  ]),
  code: Type.String(),
  sentence: Type.String(),
  device: nullable(Type.String()),
  model: nullable(Type.String()),
  rollout: nullable(Type.String()),
  data: AnyObject,
});
export const EventPage = pageSchema(FleetEventSchema);

const AuditEntry = Type.Object({
  seq: Type.Integer(),
  atMs: Type.Integer(),
  by: Type.String(),
  action: Type.String(),
  target: Type.String(),
  detail: Type.Unknown(),
});

/** What happened: live, and looked up; and who changed what. */
export function eventRoutes(app: App, { stores }: PeopleParts, streams: EventStreams): void {
  app.get(
    '/events',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Live events (SSE). `Last-Event-ID`, or `after`, resumes; without one it begins now',
        tags: ['events'],
        querystring: Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0 })) }),
        response: {
          200: {
            description: 'id = seq, event = kind, data = FleetEvent',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
        },
      },
    },
    async (request, reply) => {
      streams.reserve(reply.raw);
      const resumeAfter = seqOf(request.headers['last-event-id']) ?? request.query.after;
      const newest = resumeAfter ?? (await stores.events.list({ limit: 1 })).items[0]?.seq ?? 0;
      reply.hijack();
      await streams.run(reply.raw, newest);
    },
  );

  app.get(
    '/events/history',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Events, newest first',
        tags: ['events'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            device: Type.Optional(Type.String({ maxLength: 64 })),
            rollout: Type.Optional(Type.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        response: answers(EventPage),
      },
    },
    async ({ query }) => {
      const { device, rollout } = query;
      return asAnswer(await stores.events.list({ ...pageOf(query), device, rollout }));
    },
  );

  app.get(
    '/audit',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who changed what, newest first',
        tags: ['events'],
        querystring: PageQuery,
        response: answers(pageSchema(AuditEntry)),
      },
    },
    async ({ query }) => asAnswer(await stores.audit.list(pageOf(query))),
  );
}

function seqOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
