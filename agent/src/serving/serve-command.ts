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
import { type FrontEndOptions, startFrontEnds } from './start-front-ends.ts';
import { welcome } from './welcome.ts';

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

export const SERVE_USAGE = `usage: ringfleet-agent serve [--http 8000] [--grpc PORT] [--metrics PORT]
                             [--socket PATH] [--grpc-socket PATH] [--json] PATH…`;
const SERVE_HELP = `${SERVE_USAGE}

Serves model files over the Open Inference Protocol V2 until it is ended. A PATH is an .onnx file (named after the file)
or the folder of a built release (named in its manifest). A port of 0 takes any free one; --json prints where it serves.`;

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
  const serving = await startFrontEnds({ ...options.doors, router, log, version: context.version });
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

interface ServeOptions {
  readonly paths: readonly string[];
  readonly doors: Pick<FrontEndOptions, 'http' | 'socketPath' | 'grpc' | 'metrics'>;
  readonly isJson: boolean;
}

function readOptions(argv: readonly string[]): ServeOptions | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        http: { type: 'string' },
        port: { type: 'string', default: '8000' },
        grpc: { type: 'string' },
        metrics: { type: 'string' },
        socket: { type: 'string' },
        'grpc-socket': { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) return undefined;
    const { socket, grpc, metrics } = values;
    const grpcSocket = values['grpc-socket'];
    return {
      paths: positionals,
      isJson: values.json,
      doors: {
        http: { port: portOf(values.http ?? values.port) },
        ...(socket === undefined ? {} : { socketPath: socket }),
        ...(grpc === undefined && grpcSocket === undefined
          ? {}
          : {
              grpc: {
                port: portOf(grpc ?? '0'),
                ...(grpcSocket === undefined ? {} : { socketPath: grpcSocket }),
              },
            }),
        ...(metrics === undefined ? {} : { metrics: { port: portOf(metrics) } }),
      },
    };
  } catch {
    // What is not known or no port: the usage line says what is.
    return undefined;
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (text === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CodedError('USAGE_INVALID', `${text} is no port`);
  }
  return port;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
