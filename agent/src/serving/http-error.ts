import type { ServerResponse } from 'node:http';
import { CodedError, lookUpCode } from '@ringfleet/shared/errors';

/** A refusal as V2 sends it. */
export interface HttpError {
  readonly status: number;
  readonly code: string;
  readonly sentence: string;
  readonly retryAfterSeconds?: number;
}

const STATUS: Readonly<Record<string, number>> = {
  MODEL_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  HOST_NOT_ALLOWED: 403,
  REQUEST_TOO_LARGE: 413,
  MODEL_EMPTY: 503,
  QUEUE_FULL: 503,
  RUNNER_GONE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What a code means in HTTP: the request's own fault is 400, the release's or ours 500. */
export function httpErrorOf(code: string, sentence?: string): HttpError {
  const entry = lookUpCode(code);
  const status = STATUS[code] ?? (entry?.class === 'INPUT' ? 400 : 500);
  const text = sentence ?? entry?.sentence ?? 'Something failed that should not have.';
  return { status, code, sentence: text, ...(status === 503 ? { retryAfterSeconds: 1 } : {}) };
}

export function httpErrorFrom(err: unknown): HttpError {
  return err instanceof CodedError ? httpErrorOf(err.code, err.message) : httpErrorOf('SERVING_INTERNAL');
}

/** `{"error": "CODE: sentence"}` (DESIGN §12 "error bodies"). */
export function sendError(res: ServerResponse, error: HttpError): void {
  if (res.headersSent || res.destroyed) return;
  sendJson(
    res,
    error.status,
    { error: `${error.code}: ${error.sentence}` },
    error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) },
  );
}

export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  res.end(body);
}
