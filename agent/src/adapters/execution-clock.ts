import { availableParallelism } from 'node:os';
import { beginExecution, judgeExecution, type WatchedExecution } from '../core/execution-limit.ts';
import { isFrozen, readThreadTimes } from './thread-times.ts';

/** The clock of the execution limit for one runner: one execution at a time. */
export interface ExecutionClock {
  /** An execution begins now; one that was running is over. */
  begin(limitMs: number): void;
  /** Nothing runs. */
  end(): void;
  /** Never calls again. */
  close(): void;
}

/**
 * Calls `onOver` when an execution is over its limit, as `core/execution-limit.ts` judges it. An execution that ends
 * before a quarter of its limit costs two assignments; the timer that runs then is left to the next one.
 */
export function createExecutionClock(pid: number | undefined, onOver: () => void): ExecutionClock {
  const cores = availableParallelism();
  let execution: WatchedExecution | undefined;
  let timer: NodeJS.Timeout | undefined;
  let timerMs = 0;

  const arm = (dueMs: number): void => {
    if (timer && timerMs <= dueMs) return;
    clearTimeout(timer);
    timerMs = dueMs;
    // Answers that arrived while this loop was busy are read before the verdict.
    timer = setTimeout(() => setImmediate(look), Math.max(1, dueMs - performance.now()));
  };

  const look = (): void => {
    timer = undefined;
    if (!execution) return;
    const atMs = performance.now();
    if (atMs < execution.dueMs) {
      arm(execution.dueMs);
      return;
    }
    const threads = pid === undefined ? undefined : readThreadTimes(pid);
    const verdict = judgeExecution(execution, {
      atMs,
      cores,
      ...(threads ? { threads, isFrozen: pid !== undefined && isFrozen(pid) } : {}),
    });
    execution = verdict.execution;
    if (verdict.isOver) {
      execution = undefined;
      onOver();
    } else arm(execution.dueMs);
  };

  return {
    begin: (limitMs) => {
      execution = beginExecution(limitMs, performance.now());
      arm(execution.dueMs);
    },
    end: () => {
      execution = undefined;
    },
    close: () => {
      execution = undefined;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
