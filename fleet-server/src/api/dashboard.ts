import { readdirSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Everything comes from our own origin and nothing is inline, so that injected text can never run. */
export const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const DOCUMENTATION = /^\/(api|device|healthz)(\/|$)/;

/**
 * The built dashboard beside the bundled program, or in its own folder when the server runs from source. Its addresses
 * that are no files are the page's own: they get index.html.
 */
export async function serveDashboard(app: FastifyInstance, folder: string): Promise<void> {
  const files = filesOf(folder);
  if (files.size > 0) await app.register(fastifyStatic, { root: folder, serve: false });
  app.get('/*', { config: { role: 'none' }, schema: { hide: true } as object }, async (request, reply) => {
    const path = pathOf(request);
    if (DOCUMENTATION.test(path)) throw new CodedError('API_ROUTE_UNKNOWN', `there is no GET ${path}`);
    if (files.has(path)) return sendFile(reply, path);
    const isPage = !/\.[a-z0-9]{1,8}$/i.test(path);
    if (isPage && files.has('/index.html')) return sendFile(reply, '/index.html');
    if (isPage && path === '/') return reply.type('text/plain; charset=utf-8').send(NOT_BUILT);
    throw new CodedError('API_ROUTE_UNKNOWN', `there is no ${path}`);
  });
}

/** Where the dashboard's files are for the program that runs now. */
export function dashboardFolder(): string {
  const isSource = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(isSource ? '../../dashboard/dist/web' : './dashboard', import.meta.url));
}

const NOT_BUILT = `The dashboard is not built here: run \`npm run build\` and restart the server.
The API is at /api/v1, its documentation at /api/docs.
`;

function sendFile(reply: FastifyReply, path: string): FastifyReply {
  // Vite names what lies under assets/ after its content.
  const isHashed = path.startsWith('/assets/');
  return reply
    .header('content-security-policy', PAGE_CSP)
    .header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    .sendFile(path.slice(1), { cacheControl: false });
}

function pathOf(request: FastifyRequest): string {
  try {
    return decodeURIComponent(request.url.split('?')[0] ?? '/');
  } catch {
    // Not valid percent-encoding: no file has such a name.
    return '/..';
  }
}

function filesOf(folder: string): ReadonlySet<string> {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return new Set(
      entries.map(
        (entry) => `/${relative(folder, `${entry.parentPath}${sep}${entry.name}`).replaceAll(sep, '/')}`,
      ),
    );
  } catch {
    // Not built: `/` says so.
    return new Set();
  }
}
