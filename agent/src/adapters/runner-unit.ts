import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { memoryClassOf } from '../core/memory-class.ts';
import type { PassedOver } from '../core/provider-choice.ts';
import type { RunProfile } from '../core/run-profile.ts';
import type { Runner, RunnerSpec, Runtime } from '../ports/runtime.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import { frameReader } from '../runner/frames.ts';
import type { RunnerHello } from '../runner/messages.ts';
import { driveRunner } from './drive-runner.ts';
import type { ProcessExit, RunnerProcess } from './runner-process.ts';

/** Starting Node on a slow, busy device. */
const HELLO_LIMIT_MS = 20_000;
const GONE_LIMIT_MS = 5_000;
const LOOK_MS = 10;
/** Part of the cgroup's name of every runner that systemd started. */
const UNIT = 'ringfleet-runner';

export interface UnitRuntimeOptions {
  /** Folder of systemd's sockets, one per memory class. */
  readonly socketDir: string;
  readonly runtime?: BackendChoice;
  readonly unusable?: () => readonly PassedOver[];
  readonly profileOf?: (model: string) => RunProfile;
}

/** Whether systemd listens for this agent's runners. */
export const hasRunnerUnits = (socketDir: string): boolean => existsSync(join(socketDir, '256m.sock'));

/**
 * The launch port under systemd: a connection starts one `ringfleet-runner-<class>@.service` with its own sandbox and
 * memory limit, and the connection is the runner's socket. The runner says its own process number; it is believed only
 * while that process is in a runner's cgroup, so that it can have nobody else killed.
 */
export function createUnitRuntime(options: UnitRuntimeOptions): Runtime {
  return { start: (spec, signal) => start(spec, signal, options) };
}

async function start(spec: RunnerSpec, signal: AbortSignal, options: UnitRuntimeOptions): Promise<Runner> {
  const startedAt = performance.now();
  const path = join(options.socketDir, `${memoryClassOf(spec.manifest.limits.memoryBytes)}.sock`);
  const launched = await launchUnit(path, signal);
  const running = driveRunner(launched, spec, signal, { ...options, startedAt });
  // Paused since its first frame; whoever reads on is listening by now.
  launched.socket.resume();
  return running;
}

async function launchUnit(path: string, signal: AbortSignal): Promise<RunnerProcess> {
  if (signal.aborted) throw new CodedError('ABORTED');
  const socket = connect(path);
  try {
    const { pid } = await firstFrame(socket, AbortSignal.any([signal, AbortSignal.timeout(HELLO_LIMIT_MS)]));
    if (!isRunner(pid)) throw new Error(`process ${pid} is no runner`);
    return {
      socket,
      pid,
      kill: () => kill(pid),
      exited: exitOf(socket, pid),
      lastWords: () => '',
    };
  } catch (cause) {
    socket.destroy();
    if (signal.aborted) throw new CodedError('ABORTED');
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('RUNNER_START_FAILED', `no runner came up behind ${path}: ${why}`, {
      cause,
      at: path,
    });
  }
}

/** What the runner says before it is asked anything. */
function firstFrame(socket: Socket, signal: AbortSignal): Promise<RunnerHello> {
  return new Promise((resolve, reject) => {
    const read = frameReader((header) => settle(() => resolve(header as RunnerHello)));
    const onData = (chunk: Buffer): void => {
      try {
        read(chunk);
      } catch (err) {
        settle(() => reject(err));
      }
    };
    const fail = (err: Error): void => settle(() => reject(err));
    const onClose = (): void => fail(new Error('it ended before it said anything'));
    const onAbort = (): void => fail(new Error(`it said nothing within ${HELLO_LIMIT_MS} ms`));
    const settle = (how: () => void): void => {
      socket.off('data', onData).off('error', fail).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      // Kept in the socket until the link reads on.
      socket.pause();
      how();
    };
    socket.on('data', onData).on('error', fail).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function exitOf(socket: Socket, pid: number): Promise<ProcessExit> {
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // It cannot be of use any more, and systemd would wait for it.
  kill(pid);
  const deadline = performance.now() + GONE_LIMIT_MS;
  while (isRunner(pid) && performance.now() < deadline) await sleep(LOOK_MS);
  return {
    how: `its unit; \`journalctl -u '${UNIT}-*'\` says how`,
    whileLoading: 'MODEL_LOAD_FAILED',
  };
}

function kill(pid: number): void {
  if (!isRunner(pid)) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone between the look and the signal.
  }
}

function isRunner(pid: unknown): pid is number {
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  try {
    // A zombie has an empty command line: it is gone for everybody but its parent.
    if (readFileSync(`/proc/${pid}/cmdline`).length === 0) return false;
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(UNIT);
  } catch {
    return false;
  }
}
