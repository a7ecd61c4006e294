import { CATALOG, CodedError, type ErrorClass, type ErrorCode } from '@ringfleet/shared/errors';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '../ports/log.ts';

/** A problem as RFC 9457 has it, with the catalogue's code and remedy (DESIGN §12). */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly at?: string;
  readonly remedy: string;
}

/** Turns everything a route throws into a problem; what nobody expected is logged and shows no detail. */
export function answerProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((err: unknown, request, reply) => {
    const coded = asCoded(err);
    // A caller that went away in the middle of an upload is no failure of ours.
    if (coded.code === 'SERVER_INTERNAL' && !request.raw.readableAborted) {
      log.error({ err, method: request.method, url: request.url.split('?')[0] }, 'request failed');
    }
    return sendProblem(reply, coded);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0];
    return sendProblem(reply, new CodedError('API_ROUTE_UNKNOWN', `there is no ${request.method} ${path}`));
  });
}

export function sendProblem(reply: FastifyReply, err: CodedError): FastifyReply {
  const problem = problemOf(err);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="ringfleet"');
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

export function problemOf(err: CodedError): ProblemBody {
  const { class: errorClass, sentence, remedy } = CATALOG[err.code];
  return {
    type: `urn:ringfleet:error:${err.code}`,
    title: sentence,
    status: STATUS_BY_CODE[err.code] ?? STATUS_BY_CLASS[errorClass],
    code: err.code,
    detail: err.message,
    ...(err.at === undefined ? {} : { at: err.at }),
    remedy,
  };
}

function asCoded(err: unknown): CodedError {
  if (err instanceof CodedError) return err;
  const { code = '', message = '' } = err as Partial<FastifyError>;
  const known = CODE_OF_FASTIFY[code];
  return known
    ? new CodedError(known, message, { cause: err })
    : new CodedError('SERVER_INTERNAL', undefined, { cause: err });
}

const CODE_OF_FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'CONTENT_TYPE_UNKNOWN',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'API_REQUEST_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'NOT_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'NOT_JSON',
  FST_ERR_BAD_URL: 'API_REQUEST_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'API_REQUEST_INVALID',
};

const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  NOT_AUTHENTICATED: 401,
  SIGN_IN_CODE_INVALID: 401,
  SIGN_IN_REFUSED: 401,
  OIDC_REFUSED: 401,
  OIDC_NO_ROLE: 403,
  SETUP_CODE_INVALID: 401,
  INVITATION_INVALID: 401,
  SIGN_IN_LOCKED: 429,
  SIGN_IN_BUSY: 503,
  NOT_AUTHORIZED: 403,
  PERSON_NEEDED: 403,
  CROSS_SITE_REQUEST: 403,
  HOST_NOT_ALLOWED: 403,
  TOKEN_UNKNOWN: 403,
  TOKEN_EXPIRED: 403,
  TOKEN_USED_UP: 403,
  API_ROUTE_UNKNOWN: 404,
  DEVICE_UNKNOWN: 404,
  ENROLLMENT_UNKNOWN: 404,
  RING_UNKNOWN: 404,
  RELEASE_UNKNOWN: 404,
  ROLLOUT_UNKNOWN: 404,
  PERSON_UNKNOWN: 404,
  API_TOKEN_UNKNOWN: 404,
  BLOB_UNKNOWN: 404,
  METADATA_UNKNOWN: 404,
  WEBHOOK_UNKNOWN: 404,
  BODY_TOO_LARGE: 413,
  UPLOAD_TOO_LARGE: 413,
  METADATA_TOO_LARGE: 413,
  CONTENT_TYPE_UNKNOWN: 415,
  QUERIES_BUSY: 503,
  QUERY_TOO_SLOW: 504,
  TOO_MANY_STREAMS: 503,
  TOO_MANY_CONNECTIONS: 503,
  TOO_MANY_PENDING: 503,
};

const STATUS_BY_CLASS: Readonly<Record<ErrorClass, number>> = {
  INPUT: 400,
  TRUST: 422,
  RELEASE: 422,
  CONFLICT: 409,
  DEVICE: 409,
  SITE: 503,
  INFRA: 500,
};
