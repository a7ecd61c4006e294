import type { IncomingHttpHeaders } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import type { InferCall } from '../ports/runtime.ts';

export const MAX_DEADLINE_MS = 3_600_000;
/** The agent's loop reads no more JSON than this to find a deadline; larger requests use the header. */
const MAX_READ_BYTES = 64 * 1024;

/**
 * The caller's time: `ringfleet-deadline-ms`, else V2's `timeout` parameter (microseconds), else the default. Throws
 * DEADLINE_INVALID.
 */
export function deadlineOf(headers: IncomingHttpHeaders, call: InferCall, defaultMs: number): number {
  const header = headers['ringfleet-deadline-ms'];
  if (header !== undefined) return checkedDeadline(Number(header));
  const timeoutUs = timeoutParameter(call);
  return timeoutUs === undefined ? defaultMs : checkedDeadline(Math.ceil(Number(timeoutUs) / 1000));
}

export function checkedDeadline(ms: number): number {
  if (Number.isInteger(ms) && ms >= 1 && ms <= MAX_DEADLINE_MS) return ms;
  throw new CodedError('DEADLINE_INVALID');
}

function timeoutParameter(call: InferCall): unknown {
  const bytes = call.headerBytes ?? call.body.length;
  if (bytes > MAX_READ_BYTES) return undefined;
  const json = Buffer.from(call.body.buffer, call.body.byteOffset, Math.min(bytes, call.body.length));
  if (!json.includes('"timeout"')) return undefined;
  try {
    const { parameters } = JSON.parse(json.toString('utf8')) as { parameters?: { timeout?: unknown } };
    return parameters?.timeout;
  } catch {
    // The runner decodes the body and says what is wrong with it.
    return undefined;
  }
}
