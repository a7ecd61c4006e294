import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance } from 'fastify';
import type { TrustStore } from '../../ports/stores.ts';
import type { Repository } from '../../repository/repository.ts';

const FILE = /^(?:([1-9]\d{0,8})\.)?(root|targets|snapshot|timestamp|m\.[a-z0-9][a-z0-9-]{0,62})\.json$/;

/** Signed metadata as it was published, at TUF's own paths: ROLE.json is the newest, N.ROLE.json one version. */
export function metadataRoute(
  app: FastifyInstance,
  trust: TrustStore,
  repository: Pick<Repository, 'ensureCurrent'>,
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
}
