import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { PAGE_CSP } from './dashboard.ts';

/** OpenAPI 3.1 from the routes' own schemas, and the page that shows it; all of its files come from this server. */
export async function documentRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ringfleet',
        version,
        description:
          'The fleet server for people and scripts. Lists are `{items, next}`; errors are RFC 9457 problems.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: '__Host-ringfleet' },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const role = route.config?.role;
      const described: FastifySchema & { 'x-ringfleet-role': unknown } = {
        ...schema,
        security: role === 'none' ? [] : [{ token: [] }, { session: [] }],
        description: role === 'none' ? 'Needs no credentials.' : `Needs the role ${role}.`,
        // For programs; the test of rights walks these.
        'x-ringfleet-role': role,
      };
      return { schema: described, url };
    },
  });
}

/** The page at /api/docs and the document at /api/v1/openapi.json; both say nothing about this fleet. */
export async function serveDocumentation(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, role: 'none' };
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(swaggerUi, {
    routePrefix: '/api/docs',
    // Its page styles itself; scripts are files as everywhere.
    staticCSP: PAGE_CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
    theme: { title: 'Ringfleet API' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, defaultModelsExpandDepth: -1, validatorUrl: null },
  });
}
