import type { Benchmark } from './context.ts';
import { againstFastApi } from './inference/against-fastapi.ts';
import { eventLoop } from './inference/event-loop.ts';
import { localLatency } from './inference/local-latency.ts';
import { startServe } from './inference/start-serve.ts';

/** DESIGN §10, the first three rows. */
export const inference: Benchmark = async (context) => {
  const serve = await startServe(context);
  const latency = await localLatency(context, serve);
  const compared = await againstFastApi(context, serve);
  await serve.stop();
  return [...latency, ...compared, ...(await eventLoop(context))];
};
