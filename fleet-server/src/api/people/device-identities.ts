import { CodedError } from '@ringfleet/shared/errors';
import { Id } from '@ringfleet/shared/protocol';
import { readRoot, verifyWipeOrder } from '@ringfleet/shared/trust';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer } from '../schemas.ts';
import { DeviceSchema } from './device-schema.ts';
import { oneDevice } from './device-views.ts';
import { makeEnrollmentToken } from './enrollment-token.ts';
import type { App, PeopleParts } from './parts.ts';

const ById = Type.Object({ id: Id });
const Reason = Type.Optional(Type.String({ maxLength: 200 }));

const DAY_MS = 86_400_000;

/** The end of an identity: live connections are cut and resumed ones refused from the commit on. */
export function deviceIdentityRoutes(app: App, parts: PeopleParts): void {
  const { stores, clock } = parts;
  app.post(
    '/devices/:id/revoke',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Revoke every certificate of a device and cut its connections',
        tags: ['devices'],
        params: ById,
        body: Type.Object({ reason: Reason }, { additionalProperties: false }),
        response: answers(DeviceSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const how = { status: 'revoked' as const, reason: request.body.reason ?? '' };
      await stores.identities.end(id, how, changeOf(request, clock));
      return asAnswer(await oneDevice(stores, id));
    },
  );

  app.post(
    '/devices/:id/decommission',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Take a device out of the fleet for good; its history stays',
        description:
          'With `wipe`, the text of a signed wipe order that names the device: it erases itself at once where it is connected over MQTT, else at its next contact, and is taken out then. Without one a wipe needs a person at the device.',
        tags: ['devices'],
        params: ById,
        body: Type.Object(
          {
            reason: Reason,
            wipe: Type.Optional(Type.Union([Type.Boolean(), Type.String({ maxLength: 256 * 1024 })])),
          },
          { additionalProperties: false },
        ),
        response: answers(DeviceSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { reason = '', wipe = false } = request.body;
      // Whoever steals this server must not be able to empty the fleet (DESIGN §4).
      if (wipe === true) throw new CodedError('WIPE_NEEDS_SIGNATURE');
      if (wipe !== false) {
        const order = await verifiedOrder(parts, id, wipe);
        await stores.identities.orderWipe(id, order, changeOf(request, clock));
        return asAnswer(await oneDevice(stores, id));
      }
      await stores.identities.end(id, { status: 'decommissioned', reason }, changeOf(request, clock));
      return asAnswer(await oneDevice(stores, id));
    },
  );

  app.post(
    '/devices/:id/replace',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Make a token with which a new board takes over this identity and its history',
        description:
          'The certificates that it has now are revoked when the new board comes; with `revokeNow`, at once: for a copied identity, where nobody can say which of two is the right one.',
        tags: ['devices'],
        params: ById,
        body: Type.Object(
          {
            revokeNow: Type.Optional(Type.Boolean()),
            expiresInMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 366 * DAY_MS })),
          },
          { additionalProperties: false },
        ),
        response: answers(Type.Object({ token: Type.String(), expiresAtMs: Type.Integer() }), 201),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { revokeNow = false, expiresInMs = DAY_MS } = request.body;
      await oneDevice(stores, id);
      const change = changeOf(request, clock);
      const expiresAtMs = change.atMs + expiresInMs;
      const asked = { name: `replace-${id}`.slice(0, 64), labels: {}, uses: 1, expiresAtMs, device: id };
      const token = await makeEnrollmentToken(parts, asked, change);
      if (revokeNow) await stores.identities.revokeCertificates(id, 'a new board takes over', change);
      return reply.code(201).send({ token, expiresAtMs });
    },
  );
}

/** What no device would take is not passed on. */
async function verifiedOrder({ stores, config, clock }: PeopleParts, device: string, document: string) {
  const root = await stores.trust.get('root');
  if (root === null) throw new CodedError('TRUST_NOT_INITIALISED');
  const by = { fleet: config.fleet, device, nowMs: clock(), done: [] };
  const { order, expires } = verifyWipeOrder(readRoot(root), document, by);
  return { order, document, expiresAtMs: expires };
}
