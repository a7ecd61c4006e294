import { CodedError } from '@ringfleet/shared/errors';
import { readModelRole, readRoot, readTargets, verifyRoot, verifyTargets } from '@ringfleet/shared/trust';
import { Type } from 'typebox';
import type { TrustStore } from '../../ports/stores.ts';
import { changeOf } from '../access.ts';
import { AnyObject, answers, nullable } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const RoleName = Type.Object({
  role: Type.String({ pattern: '^(root|targets|m\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$' }),
});
const OfflineRole = Type.Object({ role: Type.Union([Type.Literal('root'), Type.Literal('targets')]) });
const Stored = Type.Object({ role: Type.String(), version: Type.Integer() });

const TrustView = Type.Object({
  root: nullable(
    Type.Object({ version: Type.Integer(), expiresAtMs: Type.Integer(), isDevelopment: Type.Boolean() }),
  ),
  targets: nullable(
    Type.Object({ version: Type.Integer(), expiresAtMs: Type.Integer(), models: Type.Array(Type.String()) }),
  ),
  onlineKey: Type.Object({ keyid: Type.String(), publicKey: AnyObject }),
  modelRoles: Type.Unsafe<Record<string, ModelRoleView>>({
    type: 'object',
    additionalProperties: Type.Object({
      version: Type.Integer(),
      expiresAtMs: Type.Integer(),
      minReleaseCounter: Type.Integer(),
      releases: Type.Integer(),
    }),
  }),
});
interface ModelRoleView {
  readonly version: number;
  readonly expiresAtMs: number;
  readonly minReleaseCounter: number;
  readonly releases: number;
}

/** Signed metadata of the offline roles: checked here, kept as it came, given out as it is. */
export function trustRoutes(app: App, { stores, onlineKey, clock }: PeopleParts): void {
  // What is verified and stored is the text itself.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: 1024 * 1024 },
    (_request, text, done) => done(null, text),
  );

  app.put(
    '/trust/:role',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Publish a signed root or targets document',
        tags: ['trust'],
        consumes: ['application/json'],
        params: OfflineRole,
        response: answers(Stored),
      },
    },
    async (request) => {
      const { role } = request.params;
      if (typeof request.body !== 'string') throw new CodedError('NOT_JSON');
      const text = request.body;
      const version = await verified(role, text, stores.trust, onlineKey.keyid, clock());
      await stores.trust.put(role, version, text, changeOf(request, clock));
      return { role, version };
    },
  );

  app.get(
    '/trust/:role',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'A signed document as it was published',
        tags: ['trust'],
        params: RoleName,
        querystring: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
        response: answers(AnyObject),
      },
    },
    async ({ params, query }, reply) => {
      const text = await stores.trust.get(params.role, query.version);
      if (text === null) throw new CodedError('METADATA_UNKNOWN', `no ${params.role} was published`);
      // A Buffer passes the serialiser untouched.
      return reply.type('application/json').send(Buffer.from(text) as never);
    },
  );

  app.get(
    '/trust',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Which keys and documents the fleet trusts',
        tags: ['trust'],
        response: answers(TrustView),
      },
    },
    async () => {
      const rootText = await stores.trust.get('root');
      const targetsText = await stores.trust.get('targets');
      const root = rootText === null ? null : readRoot(rootText);
      // Both were verified when they came; a date that passed since is shown, not refused.
      const targets = root === null || targetsText === null ? null : readTargets(targetsText);
      const models = [...(targets?.models.keys() ?? [])];
      return {
        root: root && { version: root.version, expiresAtMs: root.expires, isDevelopment: root.isDevelopment },
        targets: targets && { version: targets.version, expiresAtMs: targets.expires, models },
        onlineKey: { keyid: onlineKey.keyid, publicKey: { ...onlineKey.publicKey } },
        modelRoles: await modelRoles(models, stores.trust),
      };
    },
  );
}

async function verified(
  role: 'root' | 'targets',
  text: string,
  store: TrustStore,
  onlineKeyId: string,
  nowMs: number,
): Promise<number> {
  const rootText = await store.get('root');
  if (role === 'targets') {
    if (rootText === null) throw new CodedError('TRUST_NOT_INITIALISED');
    const last = await store.get('targets');
    const root = readRoot(rootText);
    // Verified when it came, perhaps by the keys of an earlier root.
    const lastVersion = last === null ? 0 : readTargets(last).version;
    return verifyTargets(root, text, nowMs, lastVersion).version;
  }
  // The same root again is no news and no error.
  if (text === rootText) return readRoot(text).version;
  // Without its date: a chain is published root by root, and those in its middle may have passed theirs.
  const root = verifyRoot(rootText, text, null);
  if (!root.director.keys.has(onlineKeyId)) throw new CodedError('ONLINE_KEY_NOT_IN_ROOT');
  return root.version;
}

async function modelRoles(
  models: readonly string[],
  store: TrustStore,
): Promise<Record<string, ModelRoleView>> {
  const views: Record<string, ModelRoleView> = {};
  for (const model of models) {
    const text = await store.get(`m.${model}`);
    if (text === null) continue;
    const { version, expires, minReleaseCounter, releases } = readModelRole(text);
    views[model] = { version, expiresAtMs: expires, minReleaseCounter, releases: releases.length };
  }
  return views;
}
