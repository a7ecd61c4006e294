import { createRequire } from 'node:module';
import { datatypeOf, tensorFromOrt } from '@ringfleet/shared/v2';
import * as ort from 'onnxruntime-node';
import type { SessionReply, SessionRequest } from './model-session.ts';
import { toOrt } from './model-session-tensors.ts';

/**
 * The program of the child process in which a build runs a model: one session, one request at a time, answers over the
 * channel that `fork` made. A hang or crash of the model ends this process and nothing else.
 */
let session: ort.InferenceSession | null = null;

process.on('message', (request: SessionRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (err: unknown) =>
      process.send?.({ ok: false, message: err instanceof Error ? err.message : String(err) }),
  );
});
// Nobody is left to answer.
process.on('disconnect', () => process.exit(0));

async function answer(request: SessionRequest): Promise<SessionReply> {
  if (request.op === 'run') {
    if (session === null) throw new Error('no model is loaded');
    const feeds = Object.fromEntries(request.inputs.map((tensor) => [tensor.name, toOrt(tensor)]));
    const results = await session.run(feeds);
    return {
      ok: true,
      op: 'run',
      outputs: Object.entries(results).map(([name, t]) => tensorFromOrt(name, t)),
    };
  }
  session = await ort.InferenceSession.create(request.path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return {
    ok: true,
    op: 'load',
    runtime: version,
    inputs: session.inputMetadata.map(describe),
    outputs: session.outputMetadata.map(describe),
  };
}

function describe(value: ort.InferenceSession.ValueMetadata) {
  const type = value.isTensor ? value.type : 'no tensor';
  return {
    name: value.name,
    type,
    datatype: datatypeOf(type) ?? null,
    shape: value.isTensor ? [...value.shape] : [],
  };
}
