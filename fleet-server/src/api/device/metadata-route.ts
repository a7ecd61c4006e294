import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance } from 'fastify';
import type { TrustStore } from '../../ports/stores.ts';

const VERSIONED_ROOT = /^([1-9]\d{0,8})\.root\.json$/;
const NEWEST = /^(root|targets|m\.[a-z0-9][a-z0-9-]{0,62})\.json$/;

/** Signed metadata as it was published: root.json, N.root.json, targets.json, m.MODEL.json. */
export function metadataRoute(app: FastifyInstance, trust: TrustStore): void {
  app.get<{ Params: { file: string } }>('/device/v1/metadata/:file', async ({ params }, reply) => {
    const { file } = params;
    const version = VERSIONED_ROOT.exec(file)?.[1];
    const role = version === undefined ? NEWEST.exec(file)?.[1] : 'root';
    const text = role && (await trust.get(role, version === undefined ? undefined : Number(version)));
    if (!text) throw new CodedError('METADATA_UNKNOWN', `there is no ${file}`);
    return reply.type('application/json').header('cache-control', 'no-cache').send(text);
  });
}
