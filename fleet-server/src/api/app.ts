import { createServer as createHttps } from 'node:https';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyServerOptions } from 'fastify';
import type { IdentityProvider } from '../ports/identity-provider.ts';
import { guardRoutes } from './access.ts';
import { authenticator, Tokens } from './credentials.ts';
import { dashboardFolder, serveDashboard } from './dashboard.ts';
import { documentRoutes, serveDocumentation } from './documentation.ts';
import { EventStreams } from './event-stream.ts';
import { answerOnce } from './idempotency.ts';
import { apiTokenRoutes } from './people/api-tokens.ts';
import { artifactRoutes } from './people/artifacts.ts';
import { auditRoutes } from './people/audit.ts';
import { bundleRoutes } from './people/bundles.ts';
import { deviceHoldRoutes } from './people/device-holds.ts';
import { deviceIdentityRoutes } from './people/device-identities.ts';
import { deviceRoutes } from './people/devices.ts';
import { enrollmentApprovalRoutes } from './people/enrollments.ts';
import { entryRoutes } from './people/entry.ts';
import { eventRoutes } from './people/events.ts';
import { installRoutes } from './people/install.ts';
import { oidcRoutes, waysInRoute } from './people/oidc.ts';
import { overviewRoutes } from './people/overview.ts';
import { ownAccountRoutes } from './people/own-account.ts';
import type { App, PeopleParts } from './people/parts.ts';
import { personRoutes } from './people/persons.ts';
import { refusedRoutes } from './people/refused.ts';
import { releaseRoutes } from './people/releases.ts';
import { ringRoutes } from './people/rings.ts';
import { rolloutRoutes } from './people/rollouts.ts';
import { sessionRoutes, signInRoute } from './people/session.ts';
import { telemetryRoutes } from './people/telemetry.ts';
import { tokenRoutes } from './people/tokens.ts';
import { trustRoutes } from './people/trust.ts';
import { webhookRoutes } from './people/webhooks.ts';
import { LIMITS } from './plain-listener.ts';
import { answerProblems } from './problems.ts';
import { secureHeaders } from './secure-headers.ts';
import type { Sessions } from './sessions.ts';
import type { SetupCode } from './setup-codes.ts';
import { SignInGate } from './sign-in-gate.ts';
import { validateByTypeBox } from './validation.ts';

const API = '/api/v1';
const BODY_BYTES = 1024 * 1024;

export interface PeopleAppOptions extends PeopleParts {
  readonly adminToken: string;
  readonly sessions: Sessions;
  readonly setup: SetupCode;
  /** The organisation's sign-in; off without one. */
  readonly identityProvider?: IdentityProvider | null;
  /** With a certificate the app's own server speaks HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What devices need before they have a certificate: enrollment and time. */
  readonly enrollmentRoutes?: FastifyPluginAsync;
  /** By default the built dashboard of this program. */
  readonly dashboardDir?: string;
}

/** Everything people and scripts can ask of the server; nothing is opened until it is told to listen. */
export async function createPeopleApp(options: PeopleAppOptions): Promise<FastifyInstance> {
  const { tls, log, sessions, setup } = options;
  const server: FastifyServerOptions = {
    logger: false,
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    ...(tls
      ? { serverFactory: (handler) => createHttps({ ...tls, ...LIMITS, minVersion: 'TLSv1.2' }, handler) }
      : {}),
  };
  const app = fastify(server).withTypeProvider<TypeBoxTypeProvider>();
  const tokens = new Tokens(options.adminToken, options.stores.tokens, options.clock);
  const gate = new SignInGate(options.clock);
  const doors = { tokens, sessions, gate, setup };
  const streams = new EventStreams(options.stores.events, log);

  // The one content type besides forms that a page of another site can send without asking; no route takes it.
  app.removeContentTypeParser('text/plain');
  answerProblems(app, log);
  validateByTypeBox(app);
  secureHeaders(app);
  guardRoutes(app, authenticator(tokens, sessions));
  answerOnce(app);
  app.addHook('preClose', async () => streams.closeAll());

  await documentRoutes(app, options.config.version);
  await app.register(serveDocumentation);
  app.get('/healthz', { config: { role: 'none' }, schema: { hide: true } }, async () => ({ ok: true }));
  await app.register(async (scope) => installRoutes(scope, options));
  signInRoute(app, sessions);
  const { identityProvider = null } = options;
  if (identityProvider) oidcRoutes(app, options, doors, identityProvider);
  await app.register(async (api) => waysInRoute(api, identityProvider), { prefix: API });
  await app.register(async (api) => sessionRoutes(api, options, doors), { prefix: API });
  await app.register(async (api) => entryRoutes(api, options, doors), { prefix: API });
  await app.register(async (api) => ownAccountRoutes(api, options, doors), { prefix: API });
  await app.register(async (api) => eventRoutes(api, options, streams), { prefix: API });
  for (const routes of RESOURCES) await app.register(async (api) => routes(api, options), { prefix: API });
  if (options.enrollmentRoutes) await app.register(openToAll(options.enrollmentRoutes));
  await app.register(async (pages) => serveDashboard(pages, options.dashboardDir ?? dashboardFolder()));
  return app;
}

/** Each in a scope of its own, with its own content types. */
const RESOURCES: readonly ((app: App, parts: PeopleParts) => void)[] = [
  overviewRoutes,
  telemetryRoutes,
  deviceRoutes,
  deviceHoldRoutes,
  deviceIdentityRoutes,
  enrollmentApprovalRoutes,
  refusedRoutes,
  ringRoutes,
  rolloutRoutes,
  releaseRoutes,
  artifactRoutes,
  bundleRoutes,
  trustRoutes,
  tokenRoutes,
  apiTokenRoutes,
  personRoutes,
  auditRoutes,
  webhookRoutes,
];

/** A device that enrolls shows a token's secret instead of credentials; its routes check that themselves. */
const openToAll =
  (routes: FastifyPluginAsync): FastifyPluginAsync =>
  async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { role: 'none', ...route.config };
    });
    await scope.register(routes);
  };
