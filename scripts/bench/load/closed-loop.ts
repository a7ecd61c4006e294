import { type Address, LeanConnection } from './lean-http.ts';

export interface ClosedLoop {
  readonly kind: 'closed';
  readonly address: Address;
  readonly request: Uint8Array;
  readonly connections: number;
  readonly durationMs: number;
}

export interface LoadResult {
  /** Of the requests that were answered with 200, microseconds. */
  readonly latenciesUs: Float64Array;
  readonly failed: number;
  /** The first failure, for a person. */
  readonly failure?: string;
  readonly elapsedMs: number;
}

/** Answers that a new connection's first requests get are not measured: both sides still set things up. */
const UNMEASURED = 20;

/** Each connection asks again as soon as it was answered. */
export async function closedLoop(load: ClosedLoop): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => LeanConnection.open(load.address)),
  );
  const latencies: number[] = [];
  let failed = 0;
  let failure: string | undefined;
  const startedAt = performance.now();
  const endAt = startedAt + load.durationMs;
  const work = (connection: LeanConnection): Promise<void> =>
    new Promise((resolve) => {
      let sent = 0;
      const ask = (): void => {
        const sentAt = performance.now();
        sent += 1;
        connection.send(load.request, (status, body) => {
          const now = performance.now();
          if (status !== 200) {
            failed += 1;
            failure ??= `${status} ${body.subarray(0, 300).toString()}`;
          } else if (sent > UNMEASURED) latencies.push((now - sentAt) * 1000);
          if (now >= endAt || !connection.isOpen) resolve();
          else ask();
        });
      };
      ask();
    });
  await Promise.all(connections.map(work));
  const elapsedMs = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  return {
    latenciesUs: Float64Array.from(latencies),
    failed,
    elapsedMs,
    ...(failure === undefined ? {} : { failure }),
  };
}
