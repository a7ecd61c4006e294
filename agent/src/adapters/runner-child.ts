import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import type { Logger } from 'pino';
import type { PassedOver } from '../core/provider-choice.ts';
import type {
  CheckResult,
  InferCall,
  InferReply,
  Runner,
  RunnerCounts,
  RunnerExit,
  RunnerSpec,
  Runtime,
} from '../ports/runtime.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import type { DescribeBody, LoadBody, ModelSignature, RunnerReply } from '../runner/messages.ts';
import { createRunnerLink, type LinkAnswer, type RunnerCommand } from './runner-link.ts';
import { runnerProgram } from './runner-program.ts';

/** A check's clock also covers reading the next sample from a slow disk. */
const CHECK_SLACK_MS = 1_000;
const COUNTS_LIMIT_MS = 10_000;
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
  const lastWords = listen(child, spec, options.log);
  /** Why this side ended the runner, when it did; decides how its exit is read. */
  let verdict: Pick<RunnerExit, 'reason' | 'code'> | undefined;
  let isLoaded = false;

  const end = (reason: RunnerExit['reason'], code: ErrorCode, message?: string): void => {
    verdict ??= { reason, code };
    link.close(message ?? new CodedError(code).message);
    child.kill('SIGKILL');
  };
  let canTerminate = false;
  const link = createRunnerLink(child.stdio[3] as Duplex, {
    pid: child.pid,
    canTerminate: () => canTerminate,
    onOverrun: () =>
      isLoaded
        ? end('executionLimit', 'EXECUTION_LIMIT_EXCEEDED')
        : end('startFailed', 'LOAD_LIMIT_EXCEEDED'),
  });

  const exited = new Promise<RunnerExit>((resolve) => {
    child.once('error', (err) => {
      link.close(err.message);
      resolve({ reason: 'startFailed', code: 'RUNNER_START_FAILED', message: err.message });
    });
    child.once('exit', (status, killedBy) => {
      const how = killedBy ? `signal ${killedBy}` : `exit code ${status}`;
      const what =
        verdict?.reason === 'executionLimit'
          ? `A run of ${spec.model} ${spec.version} took longer than its limit of ${spec.manifest.limits.inferMs} ms, and its process was ended.`
          : `The runner of ${spec.model} ${spec.version} ended with ${how}.`;
      const message = [what, lastWords()].join(' ').trim();
      link.close(message);
      resolve({ ...(verdict ?? verdictOf(isLoaded, killedBy)), message: message.slice(0, 1000) });
    });
  });

  const ask = async (command: RunnerCommand, body: Uint8Array, limitMs: number, signal?: AbortSignal) => {
    const answer = await link.call(command, body, limitMs, signal);
    if (answer.reply.is === 'refused') throw refusalOf(answer.reply);
    return answer;
  };

  const { loadMs: loadLimitMs, inferMs } = spec.manifest.limits;
  let provider: Runner['provider'];
  const { runtime, unusable } = options;
  const body: LoadBody = {
    ...spec,
    ...(runtime ? { runtime } : {}),
    ...(unusable ? { unusable: unusable() } : {}),
  };
  try {
    const { reply } = await ask({ op: 'load' }, Buffer.from(JSON.stringify(body)), loadLimitMs, signal);
    if (reply.is !== 'loaded') throw new CodedError('RUNNER_FRAME_INVALID');
    provider = reply.provider;
    canTerminate = reply.canTerminate;
    isLoaded = true;
  } catch (err) {
    if (err instanceof CodedError && err.code !== 'RUNNER_GONE') {
      end('startFailed', err.code);
      await exited;
      throw err;
    }
    // Ended by itself or by the clock: its exit says which.
    child.kill('SIGKILL');
    const exit = await exited;
    throw new CodedError(exit.code as ErrorCode, exit.message, { cause: err });
  }

  const check = async (
    op: 'conformance' | 'acceptance',
    body: object,
    signal: AbortSignal,
  ): Promise<CheckResult> => {
    const bytes = Buffer.from(JSON.stringify(body));
    const { reply } = await ask({ op }, bytes, inferMs + CHECK_SLACK_MS, signal);
    if (reply.is !== 'checked') throw new CodedError('RUNNER_FRAME_INVALID');
    return reply.result;
  };

  return {
    spec,
    pid: child.pid ?? 0,
    provider,
    loadMs: Math.round(performance.now() - startedAt),
    infer: async (call, signal) =>
      replyOf(await link.call(commandOf(call), call.body, inferMs, signal, call.priority)),
    checkConformance: (signal) => check('conformance', {}, signal),
    checkAcceptance: (slotDir: string, manifest: Manifest, signal) =>
      check('acceptance', { slotDir, manifest }, signal),
    counts: async () => {
      const { body } = await ask({ op: 'counts' }, new Uint8Array(0), inferMs + COUNTS_LIMIT_MS);
      return JSON.parse(body.toString('utf8')) as RunnerCounts;
    },
    exited,
    stop: async (graceMs) => {
      const grace = timeout(graceMs);
      await Promise.race([link.idle(), grace.over]);
      grace.cancel();
      end('stopped', 'RUNNER_STOPPED');
      await exited;
    },
  };
}

/** A bare runner process; `stdio[3]` is its socket. */
export function launch(runDir: string): ChildProcess {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const { path, execArgv } = runnerProgram();
  const env: NodeJS.ProcessEnv = { ORT_DISABLE_TELEMETRY: '1' };
  // Secrets in the agent's environment are none of a model's business.
  for (const name of PASSED_ON) if (process.env[name] !== undefined) env[name] = process.env[name];
  const child = spawn(process.execPath, [...execArgv, fileURLToPath(path)], {
    cwd: runDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
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

function verdictOf(isLoaded: boolean, killedBy: NodeJS.Signals | null): Pick<RunnerExit, 'reason' | 'code'> {
  if (isLoaded) return { reason: 'crashed', code: 'RUNNER_CRASHED' };
  // A signal while loading is the model's doing, an exit code that of a broken installation.
  return { reason: 'startFailed', code: killedBy ? 'MODEL_LOAD_FAILED' : 'RUNNER_START_FAILED' };
}

const commandOf = (call: InferCall): RunnerCommand =>
  call.headerBytes === undefined ? { op: 'infer' } : { op: 'infer', headerBytes: call.headerBytes };

function replyOf({ reply, body, queueUs }: LinkAnswer): InferReply {
  if (reply.is === 'refused') {
    return { ok: false, fault: reply.fault, code: reply.code, message: reply.message };
  }
  if (reply.is !== 'answer') throw new CodedError('RUNNER_FRAME_INVALID');
  const { computeUs, headerBytes } = reply;
  return { ok: true, body, computeUs, queueUs, ...(headerBytes === undefined ? {} : { headerBytes }) };
}

function refusalOf(reply: Extract<RunnerReply, { is: 'refused' }>): CodedError {
  return new CodedError(
    lookUpCode(reply.code) ? (reply.code as ErrorCode) : 'SERVING_INTERNAL',
    reply.message,
  );
}

function timeout(ms: number): { readonly over: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { over: promise, cancel: () => clearTimeout(timer) };
}
