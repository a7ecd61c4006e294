import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';
import type { Tensor } from '@ringfleet/shared/v2';

/** One input or output as the model declares it; a name or a number per axis. */
export interface DeclaredTensor {
  readonly name: string;
  readonly type: string;
  /** Null for a type that V2 or this product does not carry. */
  readonly datatype: Datatype | null;
  readonly shape: readonly (number | string)[];
}

export type SessionRequest =
  | { readonly op: 'load'; readonly path: string }
  | { readonly op: 'run'; readonly inputs: readonly Tensor[] };

export type SessionReply =
  | {
      readonly ok: true;
      readonly op: 'load';
      readonly runtime: string;
      readonly inputs: readonly DeclaredTensor[];
      readonly outputs: readonly DeclaredTensor[];
    }
  | { readonly ok: true; readonly op: 'run'; readonly outputs: readonly Tensor[] }
  | { readonly ok: false; readonly message: string };

/** A model in a process of its own. */
export interface ModelSession {
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  /** Runs once. Throws INFER_FAILED, EXECUTION_LIMIT_EXCEEDED or RUNNER_CRASHED; after the last two it is over. */
  run(inputs: readonly Tensor[]): Promise<readonly Tensor[]>;
  close(): Promise<void>;
}

export interface ModelSessionLimits {
  readonly loadMs: number;
  readonly runMs: number;
}

/**
 * Loads an ONNX file in a child process. What takes longer than its limit is killed. Throws MODEL_LOAD_FAILED,
 * LOAD_LIMIT_EXCEEDED or ABORTED.
 */
export async function openModelSession(
  path: string,
  limits: ModelSessionLimits,
  signal: AbortSignal,
): Promise<ModelSession> {
  signal.throwIfAborted();
  const child = new SessionProcess(signal);
  try {
    const loaded = await child.ask({ op: 'load', path }, limits.loadMs, {
      failed: 'MODEL_LOAD_FAILED',
      late: 'LOAD_LIMIT_EXCEEDED',
      gone: 'MODEL_LOAD_FAILED',
    });
    if (loaded.op !== 'load')
      throw new CodedError('MODEL_LOAD_FAILED', 'the session answered something else');
    return {
      runtime: loaded.runtime,
      inputs: loaded.inputs,
      outputs: loaded.outputs,
      run: async (inputs) => {
        const answer = await child.ask({ op: 'run', inputs }, limits.runMs, {
          failed: 'INFER_FAILED',
          late: 'EXECUTION_LIMIT_EXCEEDED',
          gone: 'RUNNER_CRASHED',
        });
        return answer.op === 'run' ? answer.outputs : [];
      },
      close: () => child.close(),
    };
  } catch (err) {
    await child.close();
    throw err;
  }
}

interface Codes {
  readonly failed: ErrorCode;
  readonly late: ErrorCode;
  readonly gone: ErrorCode;
}

const LAST_WORDS_CHARS = 2_000;

class SessionProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #signal: AbortSignal;
  #lastWords = '';

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#child = fork(programUrl(), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: import.meta.url.endsWith('.ts') ? ['--conditions=source'] : [],
      env: quietEnvironment(),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_CHARS);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (err) => resolve(err.message));
      this.#child.once('exit', (code, by) =>
        resolve(by === null ? `it exited with ${code}` : `it ended by ${by}`),
      );
    });
  }

  async ask(
    request: SessionRequest,
    limitMs: number,
    codes: Codes,
  ): Promise<Extract<SessionReply, { ok: true }>> {
    const reply = await this.#exchange(request, limitMs, codes);
    if (reply.ok) return reply;
    throw new CodedError(codes.failed, reply.message);
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #exchange(request: SessionRequest, limitMs: number, codes: Codes): Promise<SessionReply> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#signal.removeEventListener('abort', onAbort);
        act();
      };
      const onMessage = (reply: unknown): void => settle(() => resolve(reply as SessionReply));
      const onAbort = (): void => settle(() => reject(reasonOf(this.#signal)));
      const timer = setTimeout(() => {
        this.#child.kill('SIGKILL');
        settle(() => reject(new CodedError(codes.late, `the model did not return within ${limitMs} ms`)));
      }, limitMs);
      this.#child.once('message', onMessage);
      this.#signal.addEventListener('abort', onAbort, { once: true });
      void this.#exited.then((how) =>
        settle(() =>
          reject(
            new CodedError(codes.gone, `the model's process is gone: ${how}\n${this.#lastWords}`.trim()),
          ),
        ),
      );
      this.#child.send(request, (err) => {
        // The exit says more than the broken channel does.
        if (err !== null) this.#child.kill('SIGKILL');
      });
    });
  }
}

const reasonOf = (signal: AbortSignal): CodedError =>
  signal.reason instanceof CodedError ? signal.reason : new CodedError('ABORTED');

const programUrl = (): string =>
  fileURLToPath(
    import.meta.url.endsWith('.ts')
      ? new URL('./model-session-main.ts', import.meta.url)
      : new URL('./model-session.mjs', import.meta.url),
  );

/** A model's process needs no secrets of ours, and ONNX Runtime must not phone home. */
function quietEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH', 'NODE_PATH'];
  return {
    ...Object.fromEntries(
      kept.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
    ),
    ORT_DISABLE_TELEMETRY: '1',
  };
}
