import { createServer, type Server } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance } from 'fastify';
import { problemOf } from './problems.ts';

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** Uploads may take as long as a slow line needs; headers may not. */
export const LIMITS = { requestTimeout: 0, headersTimeout: 20_000, keepAliveTimeout: 65_000 } as const;

/**
 * The same routes without TLS, for this machine only. A web page elsewhere may point its own name at 127.0.0.1 (DNS
 * rebinding): requests under any name but those of the loopback address are refused before they reach a route.
 */
export function plainListener(app: FastifyInstance): Server {
  return createServer(LIMITS, (req, res) => {
    if (LOOPBACK_HOST.test(req.headers.host ?? '')) {
      app.routing(req, res);
      return;
    }
    const problem = problemOf(new CodedError('HOST_NOT_ALLOWED'));
    res.writeHead(problem.status, { 'content-type': 'application/problem+json', connection: 'close' });
    res.end(JSON.stringify(problem));
  });
}
