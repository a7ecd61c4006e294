import { Readable } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BlobStore } from '../../ports/stores.ts';
import { rangeOf } from './byte-range.ts';

/**
 * Files by digest, whole or one range of them: downloads go on where they were cut off. Manifests stand at TUF's target
 * paths as well, with the digest in front of the name, where any TUF client looks for them.
 */
export function artifactRoute(app: FastifyInstance, blobs: BlobStore): void {
  app.get<{ Params: { hex: string } }>('/device/v1/artifacts/sha256/:hex', (request, reply) =>
    sendArtifact(blobs, request.params.hex, request, reply),
  );
  app.get<{ Params: { file: string } }>('/device/v1/targets/models/:model/:version/:file', (request, reply) =>
    sendArtifact(blobs, MANIFEST.exec(request.params.file)?.[1] ?? '', request, reply),
  );
}

const MANIFEST = /^([0-9a-f]{64})\.manifest\.json$/;

/** The bytes of one file, whole or the range that is asked for. Throws BLOB_UNKNOWN. */
export async function sendArtifact(
  blobs: BlobStore,
  hex: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const digest = `sha256:${hex}`;
  const sizeBytes = /^[0-9a-f]{64}$/.test(hex) ? await blobs.size(digest) : null;
  if (sizeBytes === null) throw new CodedError('BLOB_UNKNOWN', `no file ${digest} is stored`);
  const range = rangeOf(request.headers.range, sizeBytes);
  reply
    .type('application/octet-stream')
    .header('accept-ranges', 'bytes')
    .header('etag', `"${hex}"`)
    .header('cache-control', 'public, max-age=31536000, immutable');
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${sizeBytes}`);
    return reply.code(416).send();
  }
  if (range === null) {
    reply.header('content-length', sizeBytes);
  } else {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
    reply.header('content-length', range.end - range.start + 1);
  }
  if (request.method === 'HEAD') return reply.send();
  return reply.send(Readable.from(blobs.read(digest, range ?? undefined), { objectMode: false }));
}
