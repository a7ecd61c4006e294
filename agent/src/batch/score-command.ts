import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';
import { runFolderOf } from '../adapters/run-folder.ts';
import { createPlainChildRuntime, readSignature } from '../adapters/runner-child.ts';
import { keepRunning } from '../serving/keep-running.ts';
import { localModel } from '../serving/local-model.ts';
import { createRouter } from '../serving/router.ts';
import type { ServeContext } from '../serving/serve-command.ts';
import { startServing } from '../serving/start-serving.ts';
import { openOutput } from './output-file.ts';
import { readRows } from './read-rows.ts';
import { type Scored, score } from './score.ts';
import { V2Client } from './v2-client.ts';

export interface ScoreContext extends ServeContext {
  /** Rewrites one line of a terminal; absent where there is none. */
  readonly showProgress?: (line: string) => void;
}

const USAGE = `usage: ringfleet-agent score (--model NAME | --path FILE) --input FILE(.csv|.jsonl|.npy) --output FILE.jsonl
       [--batch 32] [--fresh] [--socket PATH] [--state-dir DIR] [--json]`;

/**
 * `ringfleet-agent score`: one answer per row of a file, through the running agent or a model file of its own. What an
 * earlier run wrote is kept and gone on from. Resolves with the exit code: 1 where a row could not be answered.
 */
export async function scoreCommand(argv: readonly string[], context: ScoreContext): Promise<number> {
  const options = readOptions(argv, context.env);
  const runDir = await mkdtemp(join(tmpdir(), 'ringfleet-score-'));
  const end = new AbortController();
  const signal = AbortSignal.any([context.signal, end.signal]);
  try {
    const { socketPath, model } = options.path
      ? await serveFile(options.path, runDir, context, signal)
      : { socketPath: options.socket, model: options.model };
    const scored = await scoreFile({ ...options, socketPath, model }, context, signal);
    if (options.isJson) context.print(JSON.stringify(scored));
    else context.print(`${scored.rows} rows, ${scored.failed} failed, ${scored.resumed} already there`);
    return scored.failed > 0 ? 1 : 0;
  } finally {
    end.abort();
    await rm(runDir, { recursive: true, force: true });
  }
}

async function scoreFile(
  options: ScoreOptions & { readonly socketPath: string },
  context: ScoreContext,
  signal: AbortSignal,
): Promise<Scored> {
  const client = new V2Client(options.socketPath, options.model);
  const output = await openOutput(options.output, options.isFresh);
  try {
    const inputs = await client.inputs(signal);
    return await score({
      inputs,
      rows: readRows(options.input, inputs),
      output,
      batch: options.batch,
      ask: (tensors) => client.infer(tensors, signal),
      pause: (tries) => sleep(Math.min(5_000, 250 * 2 ** tries), undefined, { signal }),
      progress: (done) => context.showProgress?.(`${done} rows`),
    });
  } finally {
    await output.close();
    client.close();
  }
}

/** Serves a model file on a socket of its own until `signal`. */
async function serveFile(
  path: string,
  runDir: string,
  context: ScoreContext,
  signal: AbortSignal,
): Promise<{ socketPath: string; model: string }> {
  const { log } = context;
  const options = { runDir, log };
  const router = createRouter();
  const spec = await localModel(path, (file) => readSignature(file, options));
  await keepRunning(spec, { runtime: createPlainChildRuntime(options), router, log }, signal);
  const socketPath = join(runDir, 'v2.sock');
  const serving = await startServing({ router, log, version: context.version, socketPath });
  signal.addEventListener('abort', () => void serving.stop(0), { once: true });
  return { socketPath, model: spec.model };
}

interface ScoreOptions {
  readonly model: string;
  readonly path: string | undefined;
  readonly input: string;
  readonly output: string;
  readonly socket: string;
  readonly batch: number;
  readonly isFresh: boolean;
  readonly isJson: boolean;
}

/** Throws USAGE_INVALID. */
function readOptions(argv: readonly string[], env: ScoreContext['env']): ScoreOptions {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (cause) {
    throw new CodedError('USAGE_INVALID', `${cause instanceof Error ? cause.message : cause}\n${USAGE}`, {
      cause,
    });
  }
  const { model, path, input, output } = values;
  const batch = Number(values.batch);
  const isOne = (model === undefined) !== (path === undefined);
  if (!isOne || !input || !output || !Number.isInteger(batch) || batch < 1 || batch > 65_536)
    throw new CodedError('USAGE_INVALID', USAGE);
  const stateDir = values['state-dir'] ?? env['STATE_DIRECTORY']?.split(':')[0] ?? '/var/lib/ringfleet-agent';
  return {
    model: model ?? '',
    path,
    input,
    output,
    socket: values.socket ?? join(runFolderOf(stateDir, env), 'v2.sock'),
    batch,
    isFresh: values.fresh,
    isJson: values.json,
  };
}

const parse = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    options: {
      model: { type: 'string' },
      path: { type: 'string' },
      input: { type: 'string' },
      output: { type: 'string' },
      socket: { type: 'string' },
      'state-dir': { type: 'string' },
      batch: { type: 'string', default: '32' },
      fresh: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  }).values;
