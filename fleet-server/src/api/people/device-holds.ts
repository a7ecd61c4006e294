import { Id } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer } from '../schemas.ts';
import { DeviceSchema } from './device-schema.ts';
import { oneDevice } from './device-views.ts';
import type { App, PeopleParts } from './parts.ts';

const ById = Type.Object({ id: Id });

/** Leaving a device as it is, and letting it go on. */
export function deviceHoldRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.post(
    '/devices/:id/hold',
    {
      config: { role: 'operator' },
      schema: {
        summary:
          'Hold a device: nothing new starts or goes live there. A trial that is under way ends by itself',
        tags: ['devices'],
        params: ById,
        body: Type.Object(
          { reason: Type.String({ minLength: 1, maxLength: 500 }) },
          { additionalProperties: false },
        ),
        response: answers(DeviceSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const change = changeOf(request, clock);
      const hold = { reason: request.body.reason, by: change.by.name, sinceMs: change.atMs };
      await stores.devices.setHold(id, hold, change);
      return asAnswer(await oneDevice(stores, id));
    },
  );

  app.post(
    '/devices/:id/release',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Take the hold of a device back: it goes on at once',
        tags: ['devices'],
        params: ById,
        response: answers(DeviceSchema),
      },
    },
    async (request) => {
      await stores.devices.setHold(request.params.id, null, changeOf(request, clock));
      return asAnswer(await oneDevice(stores, request.params.id));
    },
  );
}
