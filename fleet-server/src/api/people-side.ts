import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { urlOf } from '../config.ts';
import type { IdentityProvider } from '../ports/identity-provider.ts';
import { createPeopleApp } from './app.ts';
import { ADMIN } from './credentials.ts';
import type { PeopleParts } from './people/parts.ts';
import { plainListener } from './plain-listener.ts';
import { Sessions } from './sessions.ts';
import { SetupCode } from './setup-codes.ts';

export interface PeopleSideParts extends Omit<PeopleParts, 'config'> {
  readonly adminToken: string;
  readonly identityProvider?: IdentityProvider | null;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly enrollmentRoutes: FastifyPluginAsync;
  readonly dashboardDir?: string;
  readonly config: {
    readonly fleet: string;
    readonly version: string;
    readonly publicHost: string;
    readonly people: { readonly host: string; readonly port: number; readonly plainPort: number | null };
  };
}

export interface PeopleSide {
  readonly httpsUrl: string;
  readonly plainUrl: string | null;
  /** Opens the dashboard once, within 15 minutes. */
  readonly signInUrl: string;
  /** Where the first administrator chooses name and password; null once there is a person. */
  readonly setUpUrl: string | null;
  stop(): Promise<void>;
}

const MAX_ARTIFACT_BYTES = 4 * 1024 ** 3;
const LOOPBACK = '127.0.0.1';

/** Opens the people listener (HTTPS) and, where configured, the plain one on loopback. */
export async function startPeopleSide(parts: PeopleSideParts): Promise<PeopleSide> {
  const { fleet, version, publicHost, people } = parts.config;
  const sessions = new Sessions(parts.stores.sessions, parts.clock);
  const setup = new SetupCode(parts.clock);
  let httpsUrl = '';
  const app = await createPeopleApp({
    ...parts,
    sessions,
    setup,
    config: { fleet, version, publicUrl: () => httpsUrl, maxArtifactBytes: MAX_ARTIFACT_BYTES },
  });
  let plain: Server | null = null;
  try {
    await app.listen({ host: people.host, port: people.port });
    httpsUrl = urlOf('https', publicHost, portOf(app.server));
    if (people.plainPort !== null) plain = await listenPlain(app, people.plainPort);
  } catch (err) {
    await app.close();
    throw err;
  }
  const plainUrl = plain && urlOf('http', LOOPBACK, portOf(plain));
  const here = plainUrl ?? httpsUrl;
  const code = sessions.newCode(ADMIN);
  return {
    httpsUrl,
    plainUrl,
    signInUrl: `${here}/signin?code=${code}`,
    setUpUrl: (await parts.stores.people.isEmpty()) ? `${here}/setup?code=${setup.make()}` : null,
    stop: async () => {
      plain?.close();
      // Ends live streams first, on both listeners; what still hangs on after them is cut.
      await app.close();
      if (plain && 'closeAllConnections' in plain)
        (plain as { closeAllConnections(): void }).closeAllConnections();
    },
  };
}

async function listenPlain(app: FastifyInstance, port: number): Promise<Server> {
  const server = plainListener(app);
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
