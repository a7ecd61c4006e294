import { Readable } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import { Type } from 'typebox';
import { sendArtifact } from '../device/artifact-route.ts';
import { answers } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const Bytes = Type.String({ format: 'binary' });
const ByDigest = Type.Object({ hex: Type.String({ pattern: '^[0-9a-f]{64}$' }) });

/** Files by digest, as raw streams: nothing is buffered and nothing is kept that does not match its digest. */
export function artifactRoutes(app: App, { blobs, config }: PeopleParts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.put(
    '/artifacts/sha256/:hex',
    {
      config: { role: 'publisher' },
      schema: {
        summary: 'Upload one file of a release, or a manifest, under its sha256',
        tags: ['releases'],
        consumes: ['application/octet-stream'],
        params: ByDigest,
        response: answers(Type.Object({ digest: Type.String(), sizeBytes: Type.Integer() }), 201),
      },
    },
    async (request, reply) => {
      const digest = `sha256:${request.params.hex}`;
      const announced = Number(request.headers['content-length'] ?? 0);
      if (announced > config.maxArtifactBytes) {
        throw new CodedError(
          'UPLOAD_TOO_LARGE',
          `${announced} bytes; the limit is ${config.maxArtifactBytes}`,
        );
      }
      const body = request.body instanceof Readable ? request.body : Readable.from([]);
      const { sizeBytes } = await blobs.put(digest, body, config.maxArtifactBytes);
      return reply.code(201).send({ digest, sizeBytes });
    },
  );

  app.get(
    '/artifacts/sha256/:hex',
    {
      config: { role: 'operator' },
      // HEAD has its own, below.
      exposeHeadRoute: false,
      schema: {
        summary: 'Download one file of a release, or a range of it',
        tags: ['releases'],
        params: ByDigest,
        response: {
          200: { description: 'The bytes', content: { 'application/octet-stream': { schema: Bytes } } },
        },
      },
    },
    // The answer is a stream; its schema is for the document only.
    (request, reply) => sendArtifact(blobs, request.params.hex, request, reply as never) as never,
  );

  app.head(
    '/artifacts/sha256/:hex',
    {
      config: { role: 'publisher' },
      schema: {
        summary: 'Is this file there? 200 with its length, or 404',
        tags: ['releases'],
        params: ByDigest,
      },
    },
    async (request, reply) => {
      const sizeBytes = await blobs.size(`sha256:${request.params.hex}`);
      if (sizeBytes === null) throw new CodedError('BLOB_UNKNOWN');
      return reply.header('content-length', sizeBytes).header('accept-ranges', 'none').send();
    },
  );
}
