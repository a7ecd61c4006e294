import { CodedError } from '@ringfleet/shared/errors';
import { readManifest } from '@ringfleet/shared/release';
import { Type } from 'typebox';
import { soakFromSpec } from '../../core/plan-file.ts';
import { nextAttempt } from '../../core/rollout/assign-ring.ts';
import { parseSelector } from '../../core/selector.ts';
import { requireTighter, type Terms, termsFromSpec } from '../../core/terms.ts';
import type { Stores } from '../../ports/stores.ts';
import { changeOf } from '../access.ts';
import { answers, asAnswer, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';
import { AssignBody, Assigned, ByRing, Preview, PreviewQuery, RingBody, RingView } from './rings-schema.ts';
import { loadRings, previewOf, ringView, strengthOf, strengthWords } from './rings-view.ts';

/** Rings: named, lasting, ordered stages of the fleet, and what each is to run. */
export function ringRoutes(app: App, { stores, clock }: PeopleParts): void {
  app.get(
    '/rings',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Rings in their order, with members and assignments',
        tags: ['rings'],
        querystring: PageQuery,
        response: answers(pageSchema(RingView)),
      },
    },
    async ({ query }) => {
      const { limit, cursor } = pageOf(query);
      const fleet = await loadRings(stores);
      const from = cursor === undefined ? 0 : startOf(cursor);
      const items = fleet.rings.slice(from, from + limit).map((ring) => ringView(ring, fleet));
      const next = from + limit < fleet.rings.length ? cursorOf(from + limit) : null;
      return asAnswer({ items, next });
    },
  );

  app.get(
    '/rings/preview',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who would be in a ring of these terms; orphans and overlaps of today',
        tags: ['rings'],
        querystring: PreviewQuery,
        response: answers(Preview),
      },
    },
    async ({ query }) => {
      const { selector = null, shareBasisPoints = null, ordinal = 0, devices } = query;
      const named = devices === undefined ? [] : devices.split(',').filter((id) => id !== '');
      const proposed = { ordinal, selector, shareBasisPoints, devices: named };
      return asAnswer(previewOf(proposed, await loadRings(stores)));
    },
  );

  app.put(
    '/rings/:name',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Create or replace a ring. `If-Match` with its revision guards against another operator',
        tags: ['rings'],
        params: ByRing,
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ pattern: '^"?\\d{1,12}"?$' })) }),
        body: RingBody,
        response: answers(RingView),
      },
    },
    async (request, reply) => {
      const { ordinal, selector = null, devices = [], shareBasisPoints = null } = request.body;
      if (selector !== null) parseSelector(selector);
      const match = request.headers['if-match'];
      const ring = await stores.rings.put(
        { name: request.params.name, ordinal, selector, devices, shareBasisPoints },
        match === undefined ? null : Number(match.replaceAll('"', '')),
        changeOf(request, clock),
      );
      return reply
        .header('etag', `"${ring.revision}"`)
        .send(asAnswer(ringView(ring, await loadRings(stores))));
    },
  );

  app.delete(
    '/rings/:name',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Remove a ring and its assignments; its devices fall to later rings, or to none',
        tags: ['rings'],
        params: ByRing,
        response: answers(Type.Object({ name: Type.String() })),
      },
    },
    async (request) => {
      await stores.rings.remove(request.params.name, changeOf(request, clock));
      return { name: request.params.name };
    },
  );

  app.post(
    '/rings/:name/assignments',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Assign a release to a ring at once, without gates; it supersedes a rollout in this ring',
        tags: ['rings'],
        params: ByRing,
        body: AssignBody,
        response: answers(Assigned, 201),
      },
    },
    async (request, reply) => {
      const { model, version, soak, terms: spec } = request.body;
      const ring = request.params.name;
      const fleet = await loadRings(stores);
      const members = fleet.membership.members.get(ring);
      if (!members) throw new CodedError('RING_UNKNOWN', `The fleet has no ring ${ring}.`);
      const { digest } = await releaseOf(stores, model, version);
      const current = fleet.assignments.find((a) => a.ring === ring && a.model === model);
      const states = (await stores.devices.models()).filter(
        (state) => state.model === model && members.includes(state.device),
      );
      const attempt = nextAttempt(digest, states, current);
      const plan = soak ? soakFromSpec(soak, 'body/soak') : null;
      const terms = spec ? termsFromSpec(spec, 'body/terms') : null;
      await requireTighterLimits(stores, model, version, terms);
      await stores.rings.assign(
        { ring, model, version, digest, attempt, rollout: null, soak: plan, terms },
        changeOf(request, clock),
      );
      const strength = strengthOf(ring, fleet);
      const sentence = `Ring ${ring} is to run ${model} ${version}: ${strengthWords(strength)}.`;
      return reply.code(201).send({ ring, model, version, digest, attempt, ...strength, sentence });
    },
  );
}

/** Throws RELEASE_UNKNOWN, RELEASE_YANKED. */
export async function releaseOf(stores: Stores, model: string, version: string) {
  const release = await stores.releases.get(model, version);
  if (!release) throw new CodedError('RELEASE_UNKNOWN', `${model} ${version} is not published.`);
  if (release.yankedAtMs !== null) throw new CodedError('RELEASE_YANKED', `${model} ${version} is yanked.`);
  return release;
}

/** Throws LIMITS_LOOSENED: devices would refuse such an assignment one by one. */
export async function requireTighterLimits(
  stores: Stores,
  model: string,
  version: string,
  terms: Terms | null | undefined,
): Promise<void> {
  if (!terms?.limits) return;
  const bytes = await stores.releases.manifest(model, version);
  if (bytes) requireTighter(readManifest(bytes), terms);
}

const cursorOf = (from: number): string => Buffer.from(String(from)).toString('base64url');

function startOf(cursor: string): number {
  const from = Number(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (Number.isSafeInteger(from) && from > 0) return from;
  throw new CodedError('CURSOR_INVALID');
}
