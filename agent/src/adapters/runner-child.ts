import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import type { PassedOver } from '../core/provider-choice.ts';
import type { RunProfile } from '../core/run-profile.ts';
import type { Runner, RunnerSpec, Runtime } from '../ports/runtime.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import type { DescribeBody, ModelSignature } from '../runner/messages.ts';
import { type CompileProgress, driveRunner, refusalOf } from './drive-runner.ts';
import { createRunnerLink } from './runner-link.ts';
import type { ProcessExit } from './runner-process.ts';
import { runnerProgram } from './runner-program.ts';

const DESCRIBE_LIMIT_MS = 60_000;
const LAST_WORDS_BYTES = 2_000;
/** The kernel ends runners before the agent when memory is short. */
const OOM_SCORE_ADJ = '600';
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH'] as const;

export interface PlainChildOptions {
  /** Working folder of the runners; created for the owner alone. */
  readonly runDir: string;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** The library that runs models; onnxruntime-node when absent. */
  readonly runtime?: BackendChoice;
  /** Providers whose probe failed here, as far as is known. */
  readonly unusable?: () => readonly PassedOver[];
  /** `balanced` when absent. */
  readonly profileOf?: (model: string) => RunProfile;
}

/** The launch port without a supervisor: each runner is a plain child that inherits one end of a Unix socket pair. */
export function createPlainChildRuntime(options: PlainChildOptions): Runtime {
  return { start: (spec, signal) => start(spec, signal, options) };
}

/** The signature of a model file, read in a throw-away child. Throws MODEL_LOAD_FAILED, RUNNER_START_FAILED. */
export async function readSignature(path: string, options: PlainChildOptions): Promise<ModelSignature> {
  const child = launch(options.runDir);
  const lastWords = listen(child, { model: path, version: 'unreleased' }, options.log);
  const link = createRunnerLink(child.stdio[3] as Duplex, {
    pid: child.pid,
    onOverrun: () => child.kill('SIGKILL'),
  });
  child.once('error', (err) => link.close(err.message));
  try {
    const { runtime } = options;
    const body: DescribeBody = { path, ...(runtime ? { runtime } : {}) };
    const answer = await link.call({ op: 'describe' }, Buffer.from(JSON.stringify(body)), DESCRIBE_LIMIT_MS);
    if (answer.reply.is === 'refused') throw refusalOf(answer.reply);
    return JSON.parse(answer.body.toString('utf8')) as ModelSignature;
  } catch (cause) {
    if (cause instanceof CodedError && cause.code !== 'RUNNER_GONE') throw cause;
    throw new CodedError('MODEL_LOAD_FAILED', `the runner ended while it read ${path}. ${lastWords()}`, {
      cause,
    });
  } finally {
    link.close('done');
    child.kill('SIGKILL');
  }
}

async function start(spec: RunnerSpec, signal: AbortSignal, options: PlainChildOptions): Promise<Runner> {
  if (signal.aborted) throw new CodedError('ABORTED');
  const startedAt = performance.now();
  const child = launch(options.runDir);
  const launched = {
    socket: child.stdio[3] as Duplex,
    pid: child.pid ?? 0,
    kill: () => {
      child.kill('SIGKILL');
    },
    exited: exitOf(child),
    lastWords: listen(child, spec, options.log),
  };
  const onCompiling = (progress: CompileProgress): void =>
    options.log.warn({ component: 'runner', ...progress }, 'model is compiled for its provider');
  return driveRunner(launched, spec, signal, { ...options, startedAt, onCompiling });
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('error', (err) => resolve({ how: err.message, whileLoading: 'RUNNER_START_FAILED' }));
    child.once('exit', (status, killedBy) =>
      resolve(
        // A signal while loading is the model's doing, an exit code that of a broken installation.
        killedBy
          ? { how: `signal ${killedBy}`, whileLoading: 'MODEL_LOAD_FAILED' }
          : { how: `exit code ${status}`, whileLoading: 'RUNNER_START_FAILED' },
      ),
    );
  });
}

/** A bare runner process; `stdio[3]` is its socket. Throws RUNNER_START_FAILED where the machine has nothing left for one. */
export function launch(runDir: string): ChildProcess {
  try {
    // A disk that stands still lets no folder be made, not even one that is there.
    if (!existsSync(runDir)) mkdirSync(runDir, { recursive: true, mode: 0o700 });
    return spawnRunner(runDir);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('RUNNER_START_FAILED', `no process can be started: ${why}`, { cause });
  }
}

function spawnRunner(runDir: string): ChildProcess {
  const { path, execArgv } = runnerProgram();
  const env: NodeJS.ProcessEnv = { ORT_DISABLE_TELEMETRY: '1' };
  // Secrets in the agent's environment are none of a model's business.
  for (const name of PASSED_ON) if (process.env[name] !== undefined) env[name] = process.env[name];
  const child = spawn(process.execPath, [...execArgv, fileURLToPath(path)], {
    cwd: runDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  // Without descriptors for its pipes Node gives up halfway: such a child has no streams at all.
  if (child.stdio?.[3] === undefined) {
    child.once('error', () => undefined);
    throw new Error('no file descriptors are left');
  }
  if (child.pid !== undefined) {
    try {
      writeFileSync(`/proc/${child.pid}/oom_score_adj`, OOM_SCORE_ADJ);
    } catch {
      // No /proc on other systems, and a child that is gone already reports that by its exit.
    }
  }
  return child;
}

/** Logs what the runner prints and keeps the end of it. */
export function listen(
  child: ChildProcess,
  spec: Pick<RunnerSpec, 'model' | 'version'>,
  log: PlainChildOptions['log'],
): () => string {
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS_BYTES);
      log.debug({ component: 'runner', model: spec.model, release: spec.version, text }, 'runner output');
    });
  }
  return () => words.trim();
}
