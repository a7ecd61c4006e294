import { lookUpCode } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const Refused = Type.Object({
  address: Type.String(),
  code: Type.String(),
  reason: Type.String(),
  remedy: Type.String(),
  serial: nullable(Type.String()),
  device: nullable(Type.String()),
  firstAtMs: Type.Integer(),
  lastAtMs: Type.Integer(),
  count: Type.Integer({ description: 'at least; those of the last seconds may be missing' }),
});

/** Who was refused at the doors of the devices, and what would help. */
export function refusedRoutes(app: App, { stores }: PeopleParts): void {
  app.get(
    '/refused',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Refused contacts, newest first, one per address and reason',
        tags: ['devices'],
        querystring: PageQuery,
        response: answers(pageSchema(Refused)),
      },
    },
    async ({ query }) => {
      const { items, next } = await stores.refusals.list(pageOf(query));
      const explained = items.map((item) => {
        const entry = lookUpCode(item.code);
        return { ...item, reason: entry?.sentence ?? item.code, remedy: entry?.remedy ?? '' };
      });
      return asAnswer({ items: explained, next });
    },
  );
}
