import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import type { PassedOver } from '../core/provider-choice.ts';
import type { RunProfile } from '../core/run-profile.ts';
import type {
  CheckResult,
  InferCall,
  InferReply,
  Runner,
  RunnerCounts,
  RunnerExit,
  RunnerSpec,
} from '../ports/runtime.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import type { LoadBody, LoadStage, RunnerReply } from '../runner/messages.ts';
import { watchMemory } from './memory-watch.ts';
import { createRunnerLink, type LinkAnswer, type RunnerCommand } from './runner-link.ts';
import type { RunnerProcess } from './runner-process.ts';

/** A check's clock also covers reading the next sample from a slow disk. */
const CHECK_SLACK_MS = 1_000;
const COUNTS_LIMIT_MS = 10_000;
/** What a runner needs before it has any model, with room to move: no limit is below this. */
const MIN_MEMORY_BYTES = 128 * 1024 * 1024;
/** An engine of TensorRT or OpenVINO may take minutes to compile, on a device's first start of a release. */
const COMPILE_MS = 15 * 60_000;
const PROGRESS_MS = 30_000;

export interface DriveOptions {
  /** When its launch began, by `performance.now()`. */
  readonly startedAt: number;
  /** The library that runs models; onnxruntime-node when absent. */
  readonly runtime?: BackendChoice;
  /** Providers whose probe failed here, as far as is known. */
  readonly unusable?: () => readonly PassedOver[];
  /** `balanced` when absent. */
  readonly profileOf?: (model: string) => RunProfile;
  /** A provider compiles the model: when it begins, every half minute, and when it is done. */
  readonly onCompiling?: (progress: CompileProgress) => void;
}

export interface CompileProgress {
  readonly model: string;
  readonly release: string;
  readonly provider: string;
  readonly elapsedMs: number;
  readonly isDone: boolean;
}

/** Makes a launched process the runner of one release: loads the model, keeps its limits, and tells how it ended. */
export async function driveRunner(
  launched: RunnerProcess,
  spec: RunnerSpec,
  signal: AbortSignal,
  options: DriveOptions,
): Promise<Runner> {
  const { startedAt } = options;
  /** Why this side ended the runner, when it did; decides how its exit is read. */
  let verdict: Pick<RunnerExit, 'reason' | 'code'> | undefined;
  let isLoaded = false;

  const end = (reason: RunnerExit['reason'], code: ErrorCode, message?: string): void => {
    verdict ??= { reason, code };
    link.close(message ?? new CodedError(code).message);
    launched.kill();
  };
  let canTerminate = false;
  const compiling = tellCompiling(spec, options.onCompiling);
  const link = createRunnerLink(launched.socket, {
    pid: launched.pid,
    canTerminate: () => canTerminate,
    onStage: ({ stage, provider }) => {
      compiling.stage(stage, provider);
      return stage === 'compiling' ? COMPILE_MS : spec.manifest.limits.loadMs;
    },
    onOverrun: () =>
      isLoaded
        ? end('executionLimit', 'EXECUTION_LIMIT_EXCEEDED')
        : end('startFailed', 'LOAD_LIMIT_EXCEEDED'),
  });

  const limitBytes = Math.max(spec.manifest.limits.memoryBytes, MIN_MEMORY_BYTES);
  let usedBytes = 0;
  const memory = watchMemory(launched.pid, limitBytes, (bytes) => {
    usedBytes = bytes;
    end('memoryLimit', 'MEMORY_LIMIT_EXCEEDED');
  });

  const exited = launched.exited.then(({ how, whileLoading }): RunnerExit => {
    memory.stop();
    compiling.over();
    const what =
      verdict?.reason === 'executionLimit'
        ? `A run of ${spec.model} ${spec.version} took longer than its limit of ${spec.manifest.limits.inferMs} ms, and its process was ended.`
        : verdict?.reason === 'memoryLimit'
          ? `${spec.model} ${spec.version} used ${mib(usedBytes)} MiB of the ${mib(limitBytes)} MiB it may have, and its process was ended.`
          : `The runner of ${spec.model} ${spec.version} ended with ${how}.`;
    const message = [what, launched.lastWords()].join(' ').trim();
    link.close(message);
    const byItself = isLoaded
      ? ({ reason: 'crashed', code: 'RUNNER_CRASHED' } as const)
      : ({ reason: 'startFailed', code: whileLoading } as const);
    return { ...(verdict ?? byItself), message: message.slice(0, 1000) };
  });

  const ask = async (command: RunnerCommand, body: Uint8Array, limitMs: number, signal?: AbortSignal) => {
    const answer = await link.call(command, body, limitMs, signal);
    if (answer.reply.is === 'refused') throw refusalOf(answer.reply);
    return answer;
  };

  const { loadMs: loadLimitMs, inferMs } = spec.manifest.limits;
  let provider: Runner['provider'];
  const { runtime, unusable, profileOf } = options;
  const body: LoadBody = {
    ...spec,
    ...(profileOf ? { profile: profileOf(spec.model) } : {}),
    ...(runtime ? { runtime } : {}),
    ...(unusable ? { unusable: unusable() } : {}),
  };
  try {
    const { reply } = await ask({ op: 'load' }, Buffer.from(JSON.stringify(body)), loadLimitMs, signal);
    if (reply.is !== 'loaded') throw new CodedError('RUNNER_FRAME_INVALID');
    provider = reply.provider;
    canTerminate = reply.canTerminate;
    isLoaded = true;
    compiling.over();
  } catch (err) {
    if (err instanceof CodedError && err.code !== 'RUNNER_GONE') {
      end('startFailed', err.code);
      await exited;
      throw err;
    }
    // Ended by itself or by the clock: its exit says which.
    launched.kill();
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
    pid: launched.pid,
    provider,
    loadMs: Math.round(performance.now() - startedAt),
    infer: async (call, signal) =>
      replyOf(await link.call(commandOf(call), call.body, inferMs, signal, call.priority)),
    shadow: async (call, answer, signal) => {
      const command: RunnerCommand = {
        op: 'shadow',
        requestBytes: call.body.length,
        ...(call.headerBytes === undefined ? {} : { headerBytes: call.headerBytes }),
        ...(answer.headerBytes === undefined ? {} : { answerHeaderBytes: answer.headerBytes }),
      };
      const { reply } = await ask(command, Buffer.concat([call.body, answer.body]), inferMs, signal);
      if (reply.is !== 'shadowed') throw new CodedError('RUNNER_FRAME_INVALID');
      return reply.result;
    },
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

const commandOf = (call: InferCall): RunnerCommand =>
  call.headerBytes === undefined ? { op: 'infer' } : { op: 'infer', headerBytes: call.headerBytes };

function replyOf({ reply, body, queueUs, runnerUs }: LinkAnswer): InferReply {
  if (reply.is === 'refused') {
    return { ok: false, fault: reply.fault, code: reply.code, message: reply.message };
  }
  if (reply.is !== 'answer') throw new CodedError('RUNNER_FRAME_INVALID');
  const { computeUs, inputUs, outputUs, headerBytes, degraded } = reply;
  return {
    ok: true,
    body,
    ...{ computeUs, queueUs, runnerUs, inputUs, outputUs },
    ...(headerBytes === undefined ? {} : { headerBytes }),
    ...(degraded === undefined ? {} : { degraded }),
  };
}

export function refusalOf(reply: Extract<RunnerReply, { is: 'refused' }>): CodedError {
  return new CodedError(
    lookUpCode(reply.code) ? (reply.code as ErrorCode) : 'SERVING_INTERNAL',
    reply.message,
  );
}

/** Says how far compiling is; `over` when nothing loads any more. */
function tellCompiling(
  { model, version: release }: RunnerSpec,
  tell: DriveOptions['onCompiling'] = () => undefined,
): { stage(stage: LoadStage, provider: string): void; over(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    stage: (stage, provider) => {
      const wasCompiling = timer !== undefined;
      clearInterval(timer);
      timer = undefined;
      const beganAt = performance.now();
      const say = (isDone: boolean): void =>
        tell({ model, release, provider, elapsedMs: Math.round(performance.now() - beganAt), isDone });
      if (stage === 'compiling') {
        say(false);
        timer = setInterval(() => say(false), PROGRESS_MS);
      } else if (wasCompiling) say(true);
    },
    over: () => clearInterval(timer),
  };
}

const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2);

function timeout(ms: number): { readonly over: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { over: promise, cancel: () => clearTimeout(timer) };
}
