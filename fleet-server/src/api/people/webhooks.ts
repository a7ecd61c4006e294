import { Type } from 'typebox';
import { newWebhookSecret, testMessage } from '../../webhooks/message.ts';
import { changeOf } from '../access.ts';
import { answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const WebhookName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' });
const Kind = Type.Union([
  Type.Literal('alert'),
  Type.Literal('device'),
  Type.Literal('release'),
  Type.Literal('ring'),
  Type.Literal('rollout'),
  Type.Literal('state'),
  Type.Literal('trust'),
]);
const Ms = Type.Integer();
const DeliveryView = Type.Object({
  id: Type.String({ description: 'webhook-id, the same at every attempt' }),
  webhook: WebhookName,
  type: Type.String(),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('delivered'), Type.Literal('failed')]),
  attempts: Type.Integer(),
  status: nullable(Type.Integer()),
  code: nullable(Type.String()),
  detail: nullable(Type.String()),
  createdAtMs: Ms,
  triedAtMs: nullable(Ms),
  nextAtMs: nullable(Ms),
});
const WebhookView = Type.Object({
  name: WebhookName,
  url: Type.String(),
  kinds: Type.Array(Kind),
  createdBy: Type.String(),
  createdAtMs: Ms,
  waiting: Type.Integer(),
  last: nullable(DeliveryView),
});
const Outcome = Type.Object({
  isTaken: Type.Boolean(),
  status: nullable(Type.Integer()),
  code: nullable(Type.String()),
  detail: nullable(Type.String()),
});
const ByName = Type.Object({ name: WebhookName });
const tags = ['webhooks'];

/** Who else is told what happens. For administrators: a webhook makes the server send requests. */
export function webhookRoutes(app: App, { stores, webhookSender, config, clock }: PeopleParts): void {
  const { webhooks } = stores;

  app.get(
    '/webhooks',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Webhooks by name, with their newest delivery; never their secrets',
        tags,
        response: answers(Type.Object({ items: Type.Array(WebhookView) })),
      },
    },
    async () => asAnswer({ items: await webhooks.list() }),
  );

  app.put(
    '/webhooks/:name',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Make or change a webhook; a new secret is shown this once',
        tags,
        params: ByName,
        body: Type.Object(
          {
            url: Type.String({ minLength: 1, maxLength: 2_048 }),
            kinds: Type.Optional(Type.Array(Kind, { minItems: 1, uniqueItems: true })),
            newSecret: Type.Optional(Type.Boolean()),
          },
          { additionalProperties: false },
        ),
        response: answers(Type.Object({ webhook: WebhookView, secret: nullable(Type.String()) })),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { url, kinds = ['alert', 'rollout'], newSecret = false } = request.body;
      webhookSender.check(url);
      const isNew = !(await webhooks.list()).some((known) => known.name === name);
      const secret = isNew || newSecret ? newWebhookSecret() : null;
      const webhook = await webhooks.put({ name, url, kinds, secret }, changeOf(request, clock));
      return asAnswer({ webhook, secret });
    },
  );

  app.delete(
    '/webhooks/:name',
    {
      config: { role: 'admin' },
      schema: { summary: 'Delete a webhook and what waits for it', tags, params: ByName },
    },
    async (request, reply) => {
      await webhooks.remove(request.params.name, changeOf(request, clock));
      return reply.code(204).send();
    },
  );

  app.post(
    '/webhooks/:name/test',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Send a test message now, once, and say what came back',
        tags,
        params: ByName,
        response: answers(Outcome),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { webhook, secret } = await webhooks.get(name);
      const change = changeOf(request, clock);
      const message = testMessage(config.fleet, name, change.atMs);
      const outcome = await webhookSender.send({ url: webhook.url, secret }, message, request.signal);
      await webhooks.tested(name, message, outcome, change);
      return outcome.isTaken ? { ...outcome, code: null, detail: null } : outcome;
    },
  );

  app.get(
    '/webhooks/:name/deliveries',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Deliveries of a webhook, newest first: what waits, and the last 200 that are finished',
        tags,
        params: ByName,
        querystring: PageQuery,
        response: answers(pageSchema(DeliveryView)),
      },
    },
    async ({ params, query }) => asAnswer(await webhooks.deliveries(params.name, pageOf(query))),
  );
}
