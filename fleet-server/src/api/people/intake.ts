import { lookUpCode } from '@ringfleet/shared/errors';
import { Id, Stream } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import type { Stores } from '../../ports/stores.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import { oneDevice } from './device-views.ts';
import type { App } from './parts.ts';

const Code = Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' });

const Quarantined = Type.Object({
  device: Type.String(),
  journal: Type.String(),
  start: Type.Integer(),
  stream: Stream,
  seq: Type.Integer(),
  code: Type.String(),
  reason: Type.String(),
  receivedAtMs: Type.Integer(),
});

const DeviceIntake = Type.Object({
  device: Type.String(),
  tallies: Type.Array(
    Type.Object({
      code: Type.String(),
      count: Type.Integer(),
      firstAtMs: Type.Integer(),
      lastAtMs: Type.Integer(),
      reason: Type.String({ description: 'of the newest' }),
      remedy: Type.String(),
    }),
    { description: 'what was wrong with reports, newest first; empty: nothing ever' },
  ),
  gaps: Type.Array(
    Type.Object({
      journal: Type.String(),
      start: Type.Integer(),
      stream: Stream,
      fromSeq: Type.Integer({ description: 'the first number that is missing' }),
      missing: Type.Integer(),
    }),
    { description: 'reports that have not come although later ones have' },
  ),
});

const FleetIntake = Type.Object({
  tallies: Type.Array(
    Type.Object({
      code: Type.String(),
      sentence: Type.String(),
      count: Type.Integer(),
      devices: Type.Integer(),
      lastAtMs: Type.Integer(),
    }),
  ),
});

const tags = ['devices'];

/** What came from devices and was not as it should be: kept aside, left out, dropped, missing, or slowed down. */
export function intakeRoutes(app: App, stores: Stores): void {
  app.get(
    '/quarantine',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Reports that the server keeps aside, newest first, and why',
        tags,
        querystring: Type.Object(
          { ...PageQuery.properties, device: Type.Optional(Id), code: Type.Optional(Code) },
          { additionalProperties: false },
        ),
        response: answers(pageSchema(Quarantined)),
      },
    },
    async ({ query }) => {
      const { device, code } = query;
      return asAnswer(await stores.reports.quarantined({ ...pageOf(query), device, code }));
    },
  );

  app.get(
    '/intake',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What was wrong with reports, by code, over all devices',
        tags,
        response: answers(FleetIntake),
      },
    },
    async () => {
      const tallies = await stores.reports.intakeOfFleet();
      return asAnswer({
        tallies: tallies.map((one) => ({ ...one, sentence: lookUpCode(one.code)?.sentence ?? one.code })),
      });
    },
  );

  app.get(
    '/devices/:id/intake',
    {
      config: { role: 'viewer' },
      schema: {
        summary: "What was wrong with a device's reports, and which of them are missing",
        tags,
        params: Type.Object({ id: Id }),
        response: answers(DeviceIntake),
      },
    },
    async ({ params: { id } }) => {
      await oneDevice(stores, id);
      const { tallies, gaps } = await stores.reports.intakeOf(id);
      return asAnswer({
        device: id,
        tallies: tallies.map((one) => ({ ...one, remedy: lookUpCode(one.code)?.remedy ?? '' })),
        gaps,
      });
    },
  );
}
