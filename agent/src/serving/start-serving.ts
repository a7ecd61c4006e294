import { createServer, type RequestListener, type Server } from 'node:http';
import type { Logger } from 'pino';
import { httpErrorFrom, sendError } from './http-error.ts';
import { expectLoopback, listenOnPort, listenOnSocket } from './listen.ts';
import { expectLocal } from './local-origin.ts';
import { createIntake } from './read-body.ts';
import type { ServingRouter } from './router.ts';
import { traceContextOf } from './trace-context.ts';
import type { Tracer } from './tracing/tracer.ts';
import { handleV2 } from './v2-routes.ts';

const MAX_CONNECTIONS = 1_024;
const MAX_HELD_BYTES = 256 * 1024 * 1024;
const KEEP_ALIVE_MS = 60_000;

export interface ServingOptions {
  readonly router: ServingRouter;
  /** Shown in the server metadata. */
  readonly version: string;
  readonly log: Pick<Logger, 'debug' | 'error'>;
  /** Loopback only: any other address would need an identity. Default 127.0.0.1. */
  readonly host?: string;
  /** Absent: no TCP listener. 0: any free port. */
  readonly port?: number;
  /** Absent: no Unix socket. Made 0660; its folder decides who reaches it. */
  readonly socketPath?: string;
  /** What people call these settings, for an address that is taken. */
  readonly keys?: { readonly port: string; readonly socketPath: string };
  readonly maxBodyBytes?: number;
  readonly defaultDeadlineMs?: number;
  /** Absent: no spans are exported. */
  readonly tracer?: Tracer | undefined;
}

export interface Serving {
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  /** Takes no new connections, waits for running answers at most `graceMs`. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/** Serves the Open Inference Protocol V2 on loopback TCP and a Unix socket. Throws PORT_IN_USE, SERVING_LISTEN_FAILED. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { host = '127.0.0.1', port, socketPath, keys = { port: '--http', socketPath: '--socket' } } = options;
  expectLoopback(host);
  const servers: Server[] = [];
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(servers.splice(0).map((server) => close(server, graceMs)));
  };
  try {
    let bound: number | undefined;
    if (port !== undefined) {
      const server = makeServer(listenerOf(options, true));
      bound = await listenOnPort(server, host, port, keys.port);
      servers.push(server);
    }
    if (socketPath !== undefined) {
      const server = makeServer(listenerOf(options, false));
      await listenOnSocket(server, socketPath, keys.socketPath);
      servers.push(server);
    }
    return { port: bound, socketPath, stop };
  } catch (err) {
    await stop(0);
    throw err;
  }
}

function listenerOf(options: ServingOptions, isTcp: boolean): RequestListener {
  const {
    router,
    version,
    log,
    tracer,
    maxBodyBytes = 32 * 1024 * 1024,
    defaultDeadlineMs = 10_000,
  } = options;
  const intake = createIntake(maxBodyBytes, MAX_HELD_BYTES);
  const routes = { router, version, intake, defaultDeadlineMs, tracer };
  return (req, res) => {
    const trace = traceContextOf((name) => req.headers[name]);
    for (const [name, value] of Object.entries(trace ?? {})) res.setHeader(name, value);
    const work = async (): Promise<void> => {
      if (isTcp) expectLocal(req.headers);
      await handleV2(routes, req, res);
    };
    work().catch((err: unknown) => {
      const error = httpErrorFrom(err);
      const about = { component: 'serving', code: error.code, ...trace };
      if (error.code === 'SERVING_INTERNAL') log.error({ ...about, err }, 'request failed');
      else log.debug(about, 'request refused');
      // What is left of an unread body would be taken for the next request.
      if (!req.complete) res.setHeader('connection', 'close');
      sendError(res, error);
    });
  };
}

function makeServer(listener: RequestListener): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
