import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, errorText } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { createPlainChildRuntime, readSignature } from '../adapters/runner-child.ts';
import { makeTracer } from '../make-tracer.ts';
import { keepRunning } from './keep-running.ts';
import { localModels } from './local-models.ts';
import { createRouter } from './router.ts';
import {
  readServeOptions,
  SERVE_HELP,
  SERVE_USAGE,
  type ServeOptions,
  withRunOptions,
} from './serve-options.ts';
import { startFrontEnds } from './start-front-ends.ts';
import { welcome } from './welcome.ts';

export interface ServeContext {
  /** Ends the command, as Ctrl-C and SIGTERM do. */
  readonly signal: AbortSignal;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Pick<Logger, 'debug' | 'warn' | 'error'>;
  /** Results, one line each. */
  readonly print: (line: string) => void;
  /** What went wrong, for a person. */
  readonly complain: (line: string) => void;
}

/**
 * `ringfleet-agent serve PATH…`: serves model files or built releases without any fleet until it is ended. Resolves
 * with the exit code.
 */
export async function serveCommand(argv: readonly string[], context: ServeContext): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    context.print(SERVE_HELP);
    return 0;
  }
  let options: ServeOptions;
  try {
    options = readServeOptions(argv);
  } catch (err) {
    context.complain(`${SERVE_USAGE}\n\n${errorText(err as CodedError).trimEnd()}`);
    return 2;
  }
  const runDir = await mkdtemp(join(tmpdir(), 'ringfleet-serve-'));
  // Ends the runners also when something fails before the command is told to end.
  const end = new AbortController();
  const signal = AbortSignal.any([context.signal, end.signal]);
  try {
    await serve(options, runDir, context, signal);
    return 0;
  } catch (err) {
    if (context.signal.aborted) return 0;
    if (!(err instanceof CodedError)) throw err;
    context.complain(errorText(err).trimEnd());
    return err.code === 'MODEL_PATH_UNUSABLE' ? 2 : 1;
  } finally {
    end.abort();
    await rm(runDir, { recursive: true, force: true });
  }
}

async function serve(
  options: ServeOptions,
  runDir: string,
  context: ServeContext,
  signal: AbortSignal,
): Promise<void> {
  const { log, env, version } = context;
  // First of all: what is wrong with it is said before a model is loaded.
  const tracer = makeTracer(options.tracing, { env, version, log });
  const launching = { runDir, log, ...(options.runtime ? { runtime: options.runtime } : {}) };
  const runtime = createPlainChildRuntime(launching);
  const router = createRouter();
  for (const path of options.paths) {
    for (const spec of await localModels(path, (file) => readSignature(file, launching))) {
      if (router.view(spec.model))
        throw new CodedError('MODEL_PATH_UNUSABLE', `two models are named ${spec.model}`);
      await keepRunning(withRunOptions(spec, options), { runtime, router, log }, signal);
    }
  }
  const serving = await startFrontEnds({ ...options.doors, router, log, version, tracer });
  try {
    const { http: url, socketPath: socket, grpc, grpcSocketPath: grpcSocket, metrics } = serving;
    if (options.isJson) {
      context.print(JSON.stringify({ url, socket, grpc, grpcSocket, metrics, models: router.models() }));
    } else for (const line of welcome(serving, router)) context.print(line);
    await aborted(signal);
  } finally {
    await serving.stop(2_000);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
