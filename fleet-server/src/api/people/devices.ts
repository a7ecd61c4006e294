import { Id, Name, Stream } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import { DeviceSchema } from './device-schema.ts';
import { devicePage, oneDevice } from './device-views.ts';
import { EventPage } from './events.ts';
import { intakeRoutes } from './intake.ts';
import { machineRoutes } from './machine-view.ts';
import type { App, PeopleParts } from './parts.ts';

const ById = Type.Object({ id: Id });
const LabelKey = '^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$';
const LabelPatch = Type.Unsafe<Record<string, string | null>>({
  type: 'object',
  propertyNames: { type: 'string', pattern: LabelKey },
  additionalProperties: { anyOf: [{ type: 'string', maxLength: 63 }, { type: 'null' }] },
  maxProperties: 64,
});
const StoredReportSchema = Type.Object({
  journal: Type.String(),
  start: Type.Integer(),
  stream: Type.String(),
  seq: Type.Integer(),
  atMs: Type.Integer(),
  receivedAtMs: Type.Integer(),
  body: Type.Unknown(),
});

/** The inventory: who is there, what each device should run, what it runs, and why those differ. */
export function deviceRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.get(
    '/devices',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Devices by id',
        tags: ['devices'],
        querystring: Type.Object(
          {
            ...PageQuery.properties,
            ring: Type.Optional(Name),
            search: Type.Optional(Type.String({ maxLength: 100 })),
          },
          { additionalProperties: false },
        ),
        response: answers(pageSchema(DeviceSchema)),
      },
    },
    async ({ query }) => {
      const { ring, search } = query;
      return asAnswer(await devicePage(stores, { ...pageOf(query), ring, search }));
    },
  );

  app.get(
    '/devices/:id',
    {
      config: { role: 'viewer' },
      schema: { summary: 'One device', tags: ['devices'], params: ById, response: answers(DeviceSchema) },
    },
    async ({ params }) => asAnswer(await oneDevice(stores, params.id)),
  );

  app.patch(
    '/devices/:id',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Change labels; a null takes one away, what is not named stays',
        tags: ['devices'],
        params: ById,
        body: Type.Object({ labels: LabelPatch }, { additionalProperties: false }),
        response: answers(DeviceSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { labels } = await oneDevice(stores, id);
      const merged = Object.entries({ ...labels, ...request.body.labels }).filter(
        ([, value]) => value !== null,
      );
      await stores.devices.setLabels(
        id,
        Object.fromEntries(merged) as Record<string, string>,
        changeOf(request, clock),
      );
      return asAnswer(await oneDevice(stores, id));
    },
  );

  app.get(
    '/devices/:id/reports',
    {
      config: { role: 'viewer' },
      schema: {
        summary: "A device's reports as they were stored, newest first",
        tags: ['devices'],
        params: ById,
        querystring: Type.Object(
          { ...PageQuery.properties, stream: Type.Optional(Stream) },
          { additionalProperties: false },
        ),
        response: answers(pageSchema(StoredReportSchema)),
      },
    },
    async ({ params, query }) => {
      await oneDevice(stores, params.id);
      return asAnswer(await stores.reports.list(params.id, { ...pageOf(query), stream: query.stream }));
    },
  );

  app.get(
    '/devices/:id/events',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What happened on a device, newest first',
        tags: ['devices'],
        params: ById,
        querystring: PageQuery,
        response: answers(EventPage),
      },
    },
    async ({ params, query }) => {
      await oneDevice(stores, params.id);
      return asAnswer(await stores.events.list({ ...pageOf(query), device: params.id }));
    },
  );

  intakeRoutes(app, stores);
  machineRoutes(app, stores);
}
