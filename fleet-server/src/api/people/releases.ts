import { CodedError } from '@ringfleet/shared/errors';
import { Name, Version } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { AnyObject, answers, asAnswer, nullable, PageQuery, pageOf, pageSchema } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';
import { takeReleases } from './release-intake.ts';

const ReleaseView = Type.Object({
  model: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  sizeBytes: Type.Integer(),
  variants: Type.Array(Type.String()),
  description: Type.String(),
  publishedAtMs: Type.Integer(),
  publishedBy: Type.String(),
  yankedAtMs: nullable(Type.Integer()),
});
const ReleaseName = Type.Object({ model: Name, version: Version });

/** Signed, immutable releases. */
export function releaseRoutes(app: App, { stores, blobs, clock }: PeopleParts): void {
  app.get(
    '/releases',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Releases, newest first',
        tags: ['releases'],
        querystring: Type.Object(
          { ...PageQuery.properties, model: Type.Optional(Name) },
          { additionalProperties: false },
        ),
        response: answers(pageSchema(ReleaseView)),
      },
    },
    async ({ query }) => {
      return asAnswer(await stores.releases.list({ ...pageOf(query), model: query.model }));
    },
  );

  app.get(
    '/releases/:model/:version',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One release with its manifest',
        tags: ['releases'],
        params: ReleaseName,
        response: answers(Type.Object({ ...ReleaseView.properties, manifest: AnyObject })),
      },
    },
    async ({ params }) => {
      const { model, version } = params;
      const release = await stores.releases.get(model, version);
      const manifest = await stores.releases.manifest(model, version);
      if (!release || !manifest) throw new CodedError('RELEASE_UNKNOWN', `${model} ${version}`);
      return { ...asAnswer(release), manifest: JSON.parse(Buffer.from(manifest).toString('utf8')) };
    },
  );

  app.post(
    '/releases',
    {
      config: { role: 'publisher' },
      bodyLimit: 2 * 1024 * 1024,
      schema: {
        summary: 'Publish: the signed m.<model> document, after everything it names was uploaded',
        tags: ['releases'],
        body: Type.Object({ metadata: Type.String({ minLength: 2 }) }, { additionalProperties: false }),
        response: answers(
          Type.Object({
            model: Type.String(),
            metadataVersion: Type.Integer(),
            releases: Type.Array(ReleaseView, { description: 'those that are new' }),
          }),
          201,
        ),
      },
    },
    async (request, reply) => {
      const taken = await takeReleases(request.body.metadata, stores, blobs, changeOf(request, clock));
      return reply.code(201).send(asAnswer(taken));
    },
  );

  app.post(
    '/releases/:model/:version/yank',
    {
      config: { role: 'publisher' },
      schema: {
        summary: 'Give a release out no more; what runs it goes on',
        tags: ['releases'],
        params: ReleaseName,
        response: answers(ReleaseView),
      },
    },
    async (request) => {
      const { model, version } = request.params;
      return asAnswer(await stores.releases.yank(model, version, changeOf(request, clock)));
    },
  );
}
