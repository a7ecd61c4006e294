import { codeOf } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { startMetrics } from './metrics/start-metrics.ts';
import type { ServingRouter } from './router.ts';
import { startServing } from './start-serving.ts';
import type { Tracer } from './tracing/tracer.ts';

interface Address {
  readonly host?: string;
  readonly port: number;
}

export interface FrontEndOptions {
  readonly router: ServingRouter;
  readonly version: string;
  readonly log: Pick<Logger, 'debug' | 'warn' | 'error'>;
  readonly http: Address;
  /** V2 REST over a Unix socket. */
  readonly socketPath?: string;
  /** Absent: no gRPC. */
  readonly grpc?: Address & { readonly socketPath?: string };
  /** Absent: no metrics. */
  readonly metrics?: Address;
  /** Absent: no spans are exported. It ends with the doors. */
  readonly tracer?: Tracer | undefined;
  /** How long the end waits for a collector; the service manager's patience is 4.5 s in all. Default: 1 s. */
  readonly flushMs?: number;
  /** What people call these settings, for an address that is taken. Default: the flags of `serve`. */
  readonly keys?: {
    readonly http: string;
    readonly socket: string;
    readonly grpc: string;
    readonly grpcSocket: string;
  };
}

/** All the doors of one router. */
export interface FrontEnds {
  readonly http: string;
  readonly socketPath: string | undefined;
  /** `host:port`, as gRPC clients take it. */
  readonly grpc: string | undefined;
  readonly grpcSocketPath: string | undefined;
  readonly metrics: string | undefined;
  /** Takes no new requests, waits for running ones at most `graceMs`. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

const FLUSH_MS = 1_000;
const FLAGS = { http: '--http', socket: '--socket', grpc: '--grpc', grpcSocket: '--grpc-socket' } as const;

/** Opens them. Throws PORT_IN_USE, SERVING_LISTEN_FAILED; without metrics alone, models are still served. */
export async function startFrontEnds(options: FrontEndOptions): Promise<FrontEnds> {
  const { router, version, log, socketPath, tracer, flushMs = FLUSH_MS } = options;
  const common = { router, version, log, tracer };
  const keys = options.keys ?? FLAGS;
  const stops: ((graceMs: number) => Promise<void>)[] = [];
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(stops.splice(0).map((one) => one(graceMs)));
    await tracer?.stop(flushMs);
  };
  const at = ({ host = '127.0.0.1' }: Address, port: number | undefined): string => `${host}:${port}`;
  try {
    const rest = await startServing({
      ...common,
      ...options.http,
      ...(socketPath ? { socketPath } : {}),
      keys: { port: keys.http, socketPath: keys.socket },
    });
    stops.push(rest.stop);
    let grpc: string | undefined;
    if (options.grpc) {
      // Loaded only where it is asked for: an agent without it starts faster and is smaller.
      const { startGrpc } = await import('./grpc/start-grpc.ts');
      const serving = await startGrpc({
        ...common,
        ...options.grpc,
        keys: { port: keys.grpc, socketPath: keys.grpcSocket },
      });
      stops.push(serving.stop);
      grpc = at(options.grpc, serving.port);
    }
    let metrics: string | undefined;
    if (options.metrics) {
      try {
        const server = await startMetrics({ ...common, ...options.metrics, traces: tracer?.counts });
        stops.push(() => server.stop());
        metrics = `http://${at(options.metrics, server.port)}/metrics`;
      } catch (err) {
        log.error({ err, component: 'metrics', code: codeOf(err, 'SERVING_INTERNAL') }, 'no metrics');
      }
    }
    const http = `http://${at(options.http, rest.port)}`;
    return { http, socketPath, grpc, grpcSocketPath: options.grpc?.socketPath, metrics, stop };
  } catch (err) {
    await stop(0);
    throw err;
  }
}
