import type { Duplex } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import { DEFAULT_PRIORITY, PriorityQueue } from '../core/priority-queue.ts';
import { flightsAt, paceAfter, roomAt, UNKNOWN_PACE } from '../core/runner-pace.ts';
import { frameReader, MAX_FRAME_BODY_BYTES, writeFrame } from '../runner/frames.ts';
import type { RunnerReply, RunnerRequest } from '../runner/messages.ts';
import { createExecutionClock } from './execution-clock.ts';

/** Above this a body takes long enough to decode that its run is announced, and only the run is timed. */
const ANNOUNCED_BYTES = 64 * 1024;
/** Bound on what comes before an announced run: decoding, reading a sample. */
const PREPARATION_MS = 30_000;
/** How long a runner that was told to end its run is given before its process is ended. */
const TERMINATION_GRACE_MS = 250;

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type RunnerCommand = DistributedOmit<Exclude<RunnerRequest, { op: 'terminate' }>, 'id' | 'announce'>;

export interface LinkAnswer {
  readonly reply: RunnerReply;
  readonly body: Buffer;
  /** From the call until the runner could begin with it. */
  readonly queueUs: number;
  /** From then to this answer. */
  readonly runnerUs: number;
}

interface Job {
  readonly command: RunnerCommand;
  readonly body: Uint8Array;
  readonly limitMs: number;
  readonly settle: (result: LinkAnswer | CodedError) => void;
  readonly calledAt: number;
  /** When it became the one that the runner works on. */
  headAt: number;
  id: number;
  isAnnounced: boolean;
}

export interface RunnerLink {
  /**
   * Sends one command when its turn comes; `priority` (1 to 5, 3 by default) decides among inferences. Rejects with ABORTED, QUEUE_FULL, or RUNNER_GONE whose `at` says whether it
   * was `executing` or still `queued` when the runner went.
   */
  call(
    command: RunnerCommand,
    body: Uint8Array,
    limitMs: number,
    signal?: AbortSignal,
    priority?: number,
  ): Promise<LinkAnswer>;
  /** Resolves when nothing is in flight or waiting. */
  idle(): Promise<void>;
  /** Rejects everything that waits, and all that comes. Idempotent. */
  close(reason: string): void;
}

export interface RunnerLinkOptions {
  /** The runner's process, so that a stalled machine can be told from a hung run. */
  readonly pid?: number | undefined;
  /** Whether the runner ends a run when it is told to. */
  readonly canTerminate?: () => boolean;
  /** A model that loads has come to another stage; gives the time that stage may take, milliseconds. */
  readonly onStage?: (stage: Extract<RunnerReply, { is: 'stage' }>) => number;
  /** A run is over its limit and did not end: the process has to. */
  readonly onOverrun: () => void;
}

/**
 * The agent's end of a runner's socket: a bounded queue, one execution at a time, and the clock of the execution limit.
 * The clock of a call starts when the runner can begin it, so that waiting is never taken for running.
 */
export function createRunnerLink(socket: Duplex, options: RunnerLinkOptions): RunnerLink {
  const waiting = new PriorityQueue<Job>();
  const flying: Job[] = [];
  const idlers: (() => void)[] = [];
  let closed: string | undefined;
  let nextId = 1;
  let terminated: Job | undefined;
  let pace = UNKNOWN_PACE;

  const clock = createExecutionClock(options.pid, () => {
    const head = flying[0];
    if (!head || closed !== undefined) return;
    if (head === terminated || !options.canTerminate?.()) {
      options.onOverrun();
      return;
    }
    terminated = head;
    writeFrame(socket, { id: head.id, op: 'terminate' });
    clock.begin(TERMINATION_GRACE_MS);
  });

  const headChanged = (): void => {
    const head = flying[0];
    if (head) {
      head.headAt = performance.now();
      clock.begin(head.isAnnounced ? PREPARATION_MS : head.limitMs);
    } else clock.end();
  };

  const pump = (): void => {
    while (flying.length < flightsAt(pace) && closed === undefined) {
      const job = waiting.take();
      if (!job) break;
      job.id = nextId++;
      flying.push(job);
      // Before the frame is written: that wakes the runner, which may take this process's turn on the processor.
      if (flying.length === 1) headChanged();
      const request = { id: job.id, ...job.command, ...(job.isAnnounced ? { announce: true } : {}) };
      writeFrame(socket, request, job.body);
    }
    if (flying.length === 0) for (const resolve of idlers.splice(0)) resolve();
  };

  const close = (reason: string): void => {
    if (closed !== undefined) return;
    closed = reason;
    clock.close();
    for (const [i, job] of flying.entries()) job.settle(gone(reason, i === 0 ? 'executing' : 'queued'));
    for (const job of waiting.drain()) job.settle(gone(reason, 'queued'));
    flying.length = 0;
    for (const resolve of idlers.splice(0)) resolve();
  };

  const onFrame = (header: unknown, body: Buffer): void => {
    const reply = header as RunnerReply;
    const head = flying[0];
    if (!head || head.id !== reply.id) return;
    if (reply.is === 'started') {
      clock.begin(head.limitMs);
      return;
    }
    if (reply.is === 'stage') {
      clock.begin(options.onStage?.(reply) ?? head.limitMs);
      return;
    }
    flying.shift();
    const headMs = performance.now() - head.headAt;
    if (head.command.op === 'infer') pace = paceAfter(pace, headMs);
    headChanged();
    head.settle({ reply, body, queueUs: (head.headAt - head.calledAt) * 1000, runnerUs: headMs * 1000 });
    pump();
  };

  const read = frameReader(onFrame);
  socket.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (err) {
      close(err instanceof Error ? err.message : String(err));
      socket.destroy();
    }
  });
  socket.on('error', () => close('the connection to the runner broke'));
  socket.on('close', () => close('the runner closed its connection'));

  return {
    call: (command, body, limitMs, signal, priority = DEFAULT_PRIORITY) =>
      new Promise((resolve, reject) => {
        if (closed !== undefined) throw gone(closed, 'queued');
        if (signal?.aborted) throw new CodedError('ABORTED');
        if (body.length > MAX_FRAME_BODY_BYTES) throw new CodedError('REQUEST_TOO_LARGE');
        const isInference = command.op === 'infer';
        const isCheck =
          command.op === 'conformance' || command.op === 'acceptance' || command.op === 'shadow';
        const onAbort = (): void => {
          waiting.remove(job);
          // In flight its answer is read and dropped: the caller no longer waits, the runner is not to blame.
          reject(new CodedError('ABORTED'));
          pump();
        };
        const job: Job = {
          command,
          body,
          limitMs,
          calledAt: performance.now(),
          headAt: 0,
          id: 0,
          isAnnounced: isInference ? body.length > ANNOUNCED_BYTES : isCheck,
          settle: (result) => {
            signal?.removeEventListener('abort', onAbort);
            if (result instanceof CodedError) reject(result);
            else resolve(result);
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        // Counts and checks are few and never wait behind a full queue of requests.
        const refused = waiting.push(job, isInference ? priority : 0, roomAt(pace, body.length));
        refused?.settle(new CodedError('QUEUE_FULL'));
        pump();
      }),
    idle: () =>
      new Promise((resolve) => {
        if (closed !== undefined || flying.length + waiting.size === 0) resolve();
        else idlers.push(resolve);
      }),
    close,
  };
}

const gone = (reason: string, at: 'executing' | 'queued'): CodedError =>
  new CodedError('RUNNER_GONE', reason, { at });
