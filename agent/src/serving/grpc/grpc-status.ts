import { status } from '@grpc/grpc-js';
import { codeOf, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';

const STATUS: Partial<Record<ErrorCode, status>> = {
  MODEL_UNKNOWN: status.NOT_FOUND,
  REQUEST_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  MODEL_EMPTY: status.UNAVAILABLE,
  RUNNER_GONE: status.UNAVAILABLE,
  ABORTED: status.CANCELLED,
};

/** What a code means in gRPC: the request's own fault is INVALID_ARGUMENT, the release's or ours INTERNAL. */
export function grpcStatusOf(code: string): status {
  const known = STATUS[code as ErrorCode];
  if (known !== undefined) return known;
  return lookUpCode(code)?.class === 'INPUT' ? status.INVALID_ARGUMENT : status.INTERNAL;
}

/** `CODE: sentence`, as REST says it; details travel in a header and are kept short. */
export const detailsOf = (code: string, sentence: string): string => `${code}: ${sentence}`.slice(0, 1_000);

export const codeOfThrown = (err: unknown): ErrorCode => codeOf(err, 'SERVING_INTERNAL');
