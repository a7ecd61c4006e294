import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import { expectMethod } from '../allowed-method.ts';
import { httpErrorFrom, sendError } from '../http-error.ts';
import { LastCounts } from '../last-counts.ts';
import { expectLoopback, listenOnPort } from '../listen.ts';
import { expectLocal } from '../local-origin.ts';
import type { ServingRouter } from '../router.ts';
import type { TraceCounts } from '../tracing/tracer.ts';
import { loadedRunners, servingMetrics } from './serving-metrics.ts';

export interface MetricsOptions {
  readonly router: ServingRouter;
  readonly version: string;
  /** Loopback only. Default 127.0.0.1. */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: no spans are exported. */
  readonly traces?: TraceCounts | undefined;
}

export interface MetricsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** `GET /metrics` for Prometheus, on loopback. Throws PORT_IN_USE, SERVING_LISTEN_FAILED. */
export async function startMetrics(options: MetricsOptions): Promise<MetricsServer> {
  const { host = '127.0.0.1', port, router, version, traces } = options;
  expectLoopback(host);
  const lastCounts = new LastCounts();
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    expectLocal(req.headers);
    const [path] = (req.url ?? '').split('?', 1);
    if (path !== '/metrics') throw new CodedError('ROUTE_UNKNOWN', 'only GET /metrics is here');
    expectMethod(req.method, 'GET');
    const text = servingMetrics(router, version, await lastCounts.of(loadedRunners(router)), traces);
    if (res.destroyed) return;
    res.writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    });
    res.end(text);
  };
  const server = createServer((req, res) => {
    // Nothing that is sent here is read.
    req.resume();
    answer(req, res).catch((err: unknown) => sendError(res, httpErrorFrom(err)));
  });
  server.maxConnections = 16;
  const bound = await listenOnPort(server, host, port, 'metrics.port');
  return {
    port: bound,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
