import type { IncomingHttpHeaders } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import { DEFAULT_PRIORITY, PRIORITY_LEVELS } from '../core/priority-queue.ts';
import type { InferCall } from '../ports/runtime.ts';

export const MAX_DEADLINE_MS = 3_600_000;
/** The agent's loop reads no more JSON than this to find parameters; larger requests use the headers. */
const MAX_READ_BYTES = 64 * 1024;

/** What a caller says of when it wants its answer. */
export interface Schedule {
  readonly deadlineMs: number;
  /** 1 (most urgent) to 5. */
  readonly priority: number;
}

/**
 * The caller's time: `ringfleet-deadline-ms`, else V2's `timeout` parameter (microseconds), else the default; and its
 * place in the queue: `ringfleet-priority`, else Triton's `priority` parameter. Throws DEADLINE_INVALID, PRIORITY_INVALID.
 */
export function scheduleOf(headers: IncomingHttpHeaders, call: InferCall, defaultMs: number): Schedule {
  const deadline = headers['ringfleet-deadline-ms'];
  const priority = headers['ringfleet-priority'];
  const inBody = deadline === undefined || priority === undefined ? parametersOf(call) : undefined;
  return {
    deadlineMs:
      deadline === undefined
        ? deadlineOfTimeout(inBody?.['timeout'], defaultMs)
        : checkedDeadline(Number(deadline)),
    priority: checkedPriority(priority ?? inBody?.['priority']),
  };
}

/** V2's `timeout` in microseconds as milliseconds. Throws DEADLINE_INVALID. */
export const deadlineOfTimeout = (timeoutUs: unknown, defaultMs: number): number =>
  timeoutUs === undefined ? defaultMs : checkedDeadline(Math.ceil(Number(timeoutUs) / 1000));

/** Throws DEADLINE_INVALID. */
export function checkedDeadline(ms: number): number {
  if (Number.isInteger(ms) && ms >= 1 && ms <= MAX_DEADLINE_MS) return ms;
  throw new CodedError('DEADLINE_INVALID');
}

/** Triton's numbers: 1 is the most urgent, 0 the default; more than there are levels is the least. Throws PRIORITY_INVALID. */
export function checkedPriority(value: unknown): number {
  const level = Number(value ?? 0);
  if (!Number.isSafeInteger(level) || level < 0) throw new CodedError('PRIORITY_INVALID');
  return level === 0 ? DEFAULT_PRIORITY : Math.min(level, PRIORITY_LEVELS);
}

function parametersOf(call: InferCall): Readonly<Record<string, unknown>> | undefined {
  const bytes = call.headerBytes ?? call.body.length;
  if (bytes > MAX_READ_BYTES) return undefined;
  const json = Buffer.from(call.body.buffer, call.body.byteOffset, Math.min(bytes, call.body.length));
  if (!json.includes('"timeout"') && !json.includes('"priority"')) return undefined;
  try {
    return (JSON.parse(json.toString('utf8')) as { parameters?: Record<string, unknown> }).parameters;
  } catch {
    // The runner decodes the body and says what is wrong with it.
    return undefined;
  }
}
