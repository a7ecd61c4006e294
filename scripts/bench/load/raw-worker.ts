import { InferenceSession, Tensor } from 'onnxruntime-node';
import { answerAsked } from './answer-asked.ts';
import type { LoadResult } from './closed-loop.ts';

export interface RawRuns {
  readonly model: string;
  readonly input: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly durationMs: number;
}

const sessions = new Map<string, InferenceSession>();

/** `session.run` and nothing else, with the options that runners use. */
answerAsked<RawRuns, LoadResult>(async ({ model, input, shape, values, durationMs }) => {
  const session = sessions.get(model) ?? (await open(model));
  sessions.set(model, session);
  const feeds = { [input]: new Tensor('float32', values, shape) };
  const latencies: number[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    const at = performance.now();
    await session.run(feeds);
    latencies.push((performance.now() - at) * 1000);
  }
  return {
    latenciesUs: Float64Array.from(latencies),
    failed: 0,
    elapsedMs: performance.now() - startedAt,
  };
});

function open(model: string): Promise<InferenceSession> {
  return InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
}
