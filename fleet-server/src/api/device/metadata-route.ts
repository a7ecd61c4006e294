import { CodedError } from '@ringfleet/shared/errors';
import { MAX_METADATA_BYTES } from '@ringfleet/shared/trust';
import type { FastifyInstance } from 'fastify';
import type { TrustStore } from '../../ports/stores.ts';
import type { TakeLost } from '../../repository/lost-metadata.ts';
import type { Repository } from '../../repository/repository.ts';

const FILE = /^(?:([1-9]\d{0,9})\.)?(root|targets|snapshot|timestamp|m\.[a-z0-9][a-z0-9-]{0,62})\.json$/;

/**
 * Signed metadata as it was published, at TUF's own paths: ROLE.json is the newest, N.ROLE.json one version. A device that
 * was shown older ones than it trusts puts its own there: 200 when it was news to this server, 204 when not.
 */
export function metadataRoute(
  app: FastifyInstance,
  trust: TrustStore,
  repository: Pick<Repository, 'ensureCurrent'>,
  takeLost: TakeLost,
): void {
  app.get<{ Params: { file: string } }>('/device/v1/metadata/:file', async ({ params }, reply) => {
    const { file } = params;
    const [, version, role] = FILE.exec(file) ?? [];
    // Whatever was published a moment ago is in the view before anybody gets to see it.
    if (role === 'timestamp' || role === 'snapshot') await repository.ensureCurrent();
    const text = role && (await trust.get(role, version === undefined ? undefined : Number(version)));
    if (!text) throw new CodedError('METADATA_UNKNOWN', `there is no ${file}`);
    return reply.type('application/json').header('cache-control', 'no-cache').send(text);
  });

  app.register(async (scope) => {
    // What is verified and stored is the text itself.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) =>
      done(null, text),
    );
    scope.put<{ Params: { file: string } }>('/device/v1/metadata/:file', {
      bodyLimit: MAX_METADATA_BYTES,
      handler: async ({ params, body, device }, reply) => {
        const [, version, role] = FILE.exec(params.file) ?? [];
        if (!role || version !== undefined)
          throw new CodedError('METADATA_UNKNOWN', `there is no ${params.file}`);
        if (typeof body !== 'string' || !device) throw new CodedError('NOT_JSON');
        const isNews = await takeLost(role, body, device.device);
        return isNews ? reply.send({ v: 1 }) : reply.code(204).send();
      },
    });
  });
}
