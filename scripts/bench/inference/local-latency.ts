import { join } from 'node:path';
import type { BenchContext } from '../context.ts';
import { interleave, perRound } from '../interleave.ts';
import type { LoadResult } from '../load/closed-loop.ts';
import type { HopResult } from '../load/hop-worker.ts';
import type { Address } from '../load/lean-http.ts';
import { joined, percentile } from '../percentiles.ts';
import { startProgram } from '../programs.ts';
import { atMost, info, type Result } from '../results.ts';
import { imagesOf, MODEL_FILE } from '../served-model.ts';
import { WorkerProcess } from '../worker-process.ts';
import type { Serving } from './start-serve.ts';

const ROUNDS = 12;
const SLICE_MS = 400;
/** The most images that fit into 2 KB with the request's header. */
const ROWS = 7;

/** A local request against `session.run` in a process of its own, and against a bare echo of the same bytes. */
export async function localLatency(context: BenchContext, serving: Serving): Promise<readonly Result[]> {
  const echoSocket = join(context.dir, 'echo.sock');
  const echo = await startProgram(['--conditions=source', 'scripts/bench/load/echo-server.ts', echoSocket]);
  context.atEnd(() => echo.stop());
  const [load, raw, hop, grpc] = ['load', 'raw', 'hop', 'grpc'].map((name) => {
    const worker = new WorkerProcess(`${name}-worker.ts`);
    context.atEnd(() => worker.stop());
    return worker;
  }) as [WorkerProcess, WorkerProcess, WorkerProcess, WorkerProcess];

  const images = imagesOf(ROWS);
  const { input, shape, values, call } = images;
  const http = (address: Address, request: Uint8Array) => () =>
    load.ask<LoadResult>({ kind: 'closed', address, request, connections: 1, durationMs: SLICE_MS });
  const binary = images.binary(serving.model);
  const hops: HopResult[] = [];
  context.say(`local requests of ${images.bodyBytes} bytes: ${ROUNDS} rounds of 7 x ${SLICE_MS} ms`);
  const measured = await interleave(
    {
      raw: () => raw.ask<LoadResult>({ model: MODEL_FILE, input, shape, values, durationMs: SLICE_MS }),
      echo: http({ path: echoSocket }, binary),
      socket: http({ path: serving.socket }, binary),
      hop: async () => {
        const result = await hop.ask<HopResult>({
          model: MODEL_FILE,
          call,
          durationMs: SLICE_MS,
          runDir: join(context.dir, 'hop'),
        });
        hops.push(result);
        return { latenciesUs: result.hopUs, failed: 0, elapsedMs: SLICE_MS };
      },
      tcp: http({ port: serving.port }, binary),
      json: http({ path: serving.socket }, images.json(serving.model)),
      grpc: () =>
        grpc.ask<LoadResult>({
          target: `unix:${serving.grpcSocket}`,
          model: serving.model,
          input,
          shape,
          raw: new Uint8Array(values.buffer),
          durationMs: SLICE_MS,
        }),
    },
    ROUNDS,
  );
  for (const worker of [load, raw, hop, grpc]) worker.stop();
  await echo.stop();

  const { raw: run, echo: bare, socket } = measured;
  const added = perRound([run, socket], (base = 0, all = 0) => all - base);
  const ratio = perRound([run, bare, socket], (base = 0, one = 0, all = 0) => (all - base) / one);
  const computeUs = percentile(joined(hops.map((one) => one.computeUs)), 0.5);
  const codecUs = percentile(joined(hops.map((one) => one.codecUs)), 0.5);
  return [
    info('session.run alone, p50', run.p50Us, 'us'),
    info('bare Node HTTP echo over a Unix socket, p50', bare.p50Us, 'us'),
    info('binary request over the Unix socket, p50', socket.p50Us, 'us'),
    info('binary request over the Unix socket, p99', socket.p99Us, 'us'),
    atMost('  added to session.run, p50', added, 250, 'us'),
    atMost('  added, against the echo', ratio, 1.5, 'x'),
    atMost('  of it the hop to the runner and back, p50', measured.hop.p50Us, 60, 'us'),
    info('    in the hop: decode, check, encode', codecUs, 'us'),
    info('  of it HTTP and router', socket.p50Us - measured.hop.p50Us - computeUs, 'us'),
    info('binary request over loopback TCP, p50', measured.tcp.p50Us, 'us'),
    info('JSON request over the Unix socket, p50', measured.json.p50Us, 'us'),
    info('gRPC over the Unix socket (grpc-js client), p50', measured.grpc.p50Us, 'us'),
  ];
}
