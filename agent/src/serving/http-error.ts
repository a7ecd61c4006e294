import type { ServerResponse } from 'node:http';
import { CodedError, lookUpCode } from '@ringfleet/shared/errors';
import { MethodNotAllowed } from './allowed-method.ts';

/** A refusal as V2 sends it. */
export interface HttpError {
  readonly status: number;
  readonly code: string;
  readonly sentence: string;
  readonly retryAfterSeconds?: number;
  /** Methods of the path, with 405. */
  readonly allow?: string;
}

const STATUS: Readonly<Record<string, number>> = {
  MODEL_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
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
  if (!(err instanceof CodedError)) return httpErrorOf('SERVING_INTERNAL');
  const error = httpErrorOf(err.code, err.message);
  return err instanceof MethodNotAllowed ? { ...error, allow: err.allow } : error;
}

/** `{"error": "CODE: sentence"}` (DESIGN §12 "error bodies"). */
export function sendError(res: ServerResponse, error: HttpError): void {
  if (res.headersSent || res.destroyed) return;
  const { status, code, sentence, retryAfterSeconds, allow } = error;
  sendJson(
    res,
    status,
    { error: `${code}: ${sentence}` },
    {
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(allow === undefined ? {} : { allow }),
    },
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
