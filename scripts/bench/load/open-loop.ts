import type { LoadResult } from './closed-loop.ts';
import { type Address, LeanConnection } from './lean-http.ts';

export interface OpenLoop {
  readonly kind: 'open';
  readonly address: Address;
  /** A request with an id of `ID_DIGITS` digits at `idAt`; every request gets another one. */
  readonly request: Uint8Array;
  readonly idAt: number;
  readonly perSecond: number;
  readonly durationMs: number;
}

export interface OpenLoopResult extends LoadResult {
  /** When each of `latenciesUs` was due, milliseconds since 1970. */
  readonly dueMs: Float64Array;
  readonly sent: number;
  /** Answers that were not the answer to what was asked. */
  readonly strangers: number;
  readonly answered: number;
}

export const ID_DIGITS = 8;
/** As many as the agent takes at one door, nearly. */
const MAX_CONNECTIONS = 1_000;
const LAST_ANSWER_MS = 15_000;

/**
 * Sends at a fixed rate, whether or not answers come; a latency counts from the moment its request was due, so that a
 * stall of the server is felt by all that were due in it. The clock looks once a millisecond.
 */
export async function openLoop(load: OpenLoop): Promise<OpenLoopResult> {
  const idle: LeanConnection[] = [];
  let opened = 0;
  const [latencies, dues]: [number[], number[]] = [[], []];
  let [sent, answered, failed, strangers] = [0, 0, 0, 0];
  let failure: string | undefined;
  const startedAt = performance.now();

  const fail = (why: string): void => {
    failed += 1;
    failure ??= why;
  };
  const ask = (connection: LeanConnection, number: number, dueAt: number): void => {
    const id = String(number).padStart(ID_DIGITS, '0');
    const request = Buffer.from(load.request);
    request.write(id, load.idAt);
    connection.send(request, (status, body) => {
      if (connection.isOpen) idle.push(connection);
      else opened -= 1;
      if (status !== 200) {
        fail(`${status} ${body.subarray(0, 300).toString()}`);
        return;
      }
      answered += 1;
      if (!body.includes(`"id":"${id}"`)) strangers += 1;
      latencies.push((performance.now() - dueAt) * 1000);
      dues.push(performance.timeOrigin + dueAt);
    });
  };
  const send = (dueAt: number): void => {
    const number = sent;
    sent += 1;
    const connection = idle.pop();
    if (connection) ask(connection, number, dueAt);
    else if (opened >= MAX_CONNECTIONS) fail('no connection was free');
    else {
      opened += 1;
      LeanConnection.open(load.address).then(
        (fresh) => ask(fresh, number, dueAt),
        (err: unknown) => fail(String(err)),
      );
    }
  };

  await new Promise<void>((resolve) => {
    const tick = (): void => {
      const elapsedMs = performance.now() - startedAt;
      while (sent < (Math.min(elapsedMs, load.durationMs) * load.perSecond) / 1000) {
        send(startedAt + (sent * 1000) / load.perSecond);
      }
      const isOver = elapsedMs > load.durationMs;
      if (isOver && (answered + failed === sent || elapsedMs > load.durationMs + LAST_ANSWER_MS)) resolve();
      else setTimeout(tick, 1);
    };
    tick();
  });
  for (const connection of idle) connection.close();
  return {
    latenciesUs: Float64Array.from(latencies),
    dueMs: Float64Array.from(dues),
    sent,
    answered,
    strangers,
    failed: sent - answered,
    elapsedMs: performance.now() - startedAt,
    ...(failure === undefined ? {} : { failure }),
  };
}
