import type { Benchmark } from './context.ts';
import { againstFastApi } from './inference/against-fastapi.ts';
import { localLatency } from './inference/local-latency.ts';
import { startServe } from './inference/start-serve.ts';

/** DESIGN §10, the first three rows. */
export const inference: Benchmark = async (context) => {
  const serve = await startServe(context);
  return [...(await localLatency(context, serve)), ...(await againstFastApi(context, serve))];
};
