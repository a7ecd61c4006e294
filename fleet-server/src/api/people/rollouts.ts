import { CodedError } from '@ringfleet/shared/errors';
import { Name } from '@ringfleet/shared/protocol';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { v7 as uuidv7 } from 'uuid';
import { explain } from '../../core/explain.ts';
import type { Order } from '../../core/rollout/orders.ts';
import { loadSnapshot } from '../../rollout-engine/fleet-state.ts';
import { changeOf } from '../access.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';
import { releaseOf } from './rings.ts';
import { carryOut, startRollout } from './rollouts-orders.ts';
import { ById, ExplanationView, NewRollout, RolloutView } from './rollouts-schema.ts';

/** Rollouts: one release through several rings, with a gate after each. The engine moves them; people give orders. */
export function rolloutRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.post(
    '/rollouts',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Start a rollout; an active one of this model that shares a ring is superseded',
        tags: ['rollouts'],
        body: NewRollout,
        response: answers(RolloutView, 201),
      },
    },
    async (request, reply) => {
      const { model, version, plan } = request.body;
      const release = await releaseOf(stores, model, version);
      const rollout = await startRollout(stores, uuidv7(), release, plan, changeOf(request, clock));
      return reply.code(201).send(asAnswer(rollout));
    },
  );

  app.get(
    '/rollouts',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Rollouts, newest first',
        tags: ['rollouts'],
        querystring: Type.Object(
          { ...PageQuery.properties, model: Type.Optional(Name), active: Type.Optional(Type.Boolean()) },
          { additionalProperties: false },
        ),
        response: answers(pageSchema(RolloutView)),
      },
    },
    async ({ query }) => {
      const { model, active } = query;
      return asAnswer(await stores.rollouts.list({ ...pageOf(query), model, active }));
    },
  );

  app.get(
    '/rollouts/:id',
    {
      config: { role: 'viewer' },
      schema: { summary: 'One rollout', tags: ['rollouts'], params: ById, response: answers(RolloutView) },
    },
    async ({ params }) => {
      const rollout = await stores.rollouts.get(params.id);
      if (!rollout) throw new CodedError('ROLLOUT_UNKNOWN', `There is no rollout ${params.id}.`);
      return asAnswer(rollout);
    },
  );

  app.get(
    '/rollouts/:id/explain',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Why it stands where it stands, down to the devices it waits for',
        tags: ['rollouts'],
        params: ById,
        response: answers(ExplanationView),
      },
    },
    async ({ params }) => {
      const snapshot = await loadSnapshot(stores, params.id);
      if (!snapshot) throw new CodedError('ROLLOUT_UNKNOWN', `There is no rollout ${params.id}.`);
      return asAnswer(explain(snapshot));
    },
  );

  const obeyed = async (request: FastifyRequest, id: string, order: Order) =>
    asAnswer(await carryOut(stores, id, order, changeOf(request, clock)));

  for (const [kind, summary] of PLAIN_ORDERS) {
    app.post(
      `/rollouts/:id/${kind}`,
      {
        config: { role: 'operator' },
        schema: { summary, tags: ['rollouts'], params: ById, response: answers(RolloutView) },
      },
      async (request) => obeyed(request, request.params.id, { kind }),
    );
  }

  app.post(
    '/rollouts/:id/abort',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'End it: `keep` what rings are assigned now, or `revert` them to what they ran before',
        tags: ['rollouts'],
        params: ById,
        body: Type.Object(
          { mode: Type.Union([Type.Literal('keep'), Type.Literal('revert')]) },
          { additionalProperties: false },
        ),
        response: answers(RolloutView),
      },
    },
    async (request) => obeyed(request, request.params.id, { kind: 'abort', mode: request.body.mode }),
  );
}

const PLAIN_ORDERS = [
  ['pause', 'Open no further ring; gates go on watching'],
  ['resume', 'Go on; the failures seen so far are acknowledged and stay counted'],
  ['approve', 'Let the gate that waits for a person pass'],
] as const;
