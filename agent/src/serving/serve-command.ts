import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, errorText } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { createPlainChildRuntime, readSignature } from '../adapters/runner-child.ts';
import { keepRunning } from './keep-running.ts';
import { localModel } from './local-model.ts';
import { createRouter } from './router.ts';
import { startServing } from './start-serving.ts';

export interface ServeContext {
  /** Ends the command, as Ctrl-C and SIGTERM do. */
  readonly signal: AbortSignal;
  readonly version: string;
  readonly log: Pick<Logger, 'debug' | 'warn' | 'error'>;
  /** Results, one line each. */
  readonly print: (line: string) => void;
  /** What went wrong, for a person. */
  readonly complain: (line: string) => void;
}

export const SERVE_USAGE = 'usage: ringfleet-agent serve [--port 8000] [--socket PATH] [--json] PATH…';
const SERVE_HELP = `${SERVE_USAGE}

Serves model files over the Open Inference Protocol V2 until it is ended. A PATH is an .onnx file (named after the file)
or the folder of a built release (named in its manifest). --port 0 takes any free one; --json prints where it serves.`;

/**
 * `ringfleet-agent serve PATH…`: serves model files or built releases without any fleet until it is ended. Resolves
 * with the exit code.
 */
export async function serveCommand(argv: readonly string[], context: ServeContext): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    context.print(SERVE_HELP);
    return 0;
  }
  const options = readOptions(argv);
  if (!options) {
    context.complain(SERVE_USAGE);
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
  const { log } = context;
  const runtime = createPlainChildRuntime({ runDir, log });
  const router = createRouter();
  for (const path of options.paths) {
    const spec = await localModel(path, (file) => readSignature(file, { runDir, log }));
    if (router.view(spec.model))
      throw new CodedError('MODEL_PATH_UNUSABLE', `two models are named ${spec.model}`);
    await keepRunning(spec, { runtime, router, log }, signal);
  }
  const { port, socketPath } = options;
  const listener = { router, log, version: context.version, port, ...(socketPath ? { socketPath } : {}) };
  const serving = await startServing(listener);
  try {
    const url = `http://127.0.0.1:${serving.port}`;
    if (options.isJson) context.print(JSON.stringify({ url, socket: socketPath, models: router.models() }));
    else for (const model of router.models()) context.print(`serving ${url}/v2/models/${model}`);
    await aborted(signal);
  } finally {
    await serving.stop(2_000);
  }
}

interface ServeOptions {
  readonly paths: readonly string[];
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly isJson: boolean;
}

function readOptions(argv: readonly string[]): ServeOptions | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        port: { type: 'string', default: '8000' },
        socket: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (positionals.length === 0 || !Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
    return { paths: positionals, port, socketPath: values.socket, isJson: values.json };
  } catch {
    // parseArgs throws on what it does not know; the usage line says what it does.
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
