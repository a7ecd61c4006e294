import { texts } from '../texts.ts';

/** What the server refused or why it could not be asked, in its own words (RFC 9457 with code, at and remedy). */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  readonly remedy: string;

  constructor(status: number, code: string, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Reads an error body that may be anything: a proxy in between answers with pages of its own. */
export function problemOf(status: number, body: unknown): Problem {
  const field = (name: string): string | undefined => {
    if (typeof body !== 'object' || body === null) return undefined;
    const value: unknown = Reflect.get(body, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return new Problem(
    status,
    field('code') ?? `HTTP_${status}`,
    field('detail') ?? field('title') ?? texts.problem.unknown(status),
    field('remedy') ?? texts.problem.unknownRemedy,
  );
}

/** No answer at all: the server is down, or the network between. */
export const unreachable = (cause: unknown): Problem =>
  new Problem(0, 'SERVER_UNREACHABLE', texts.problem.unreachable, texts.problem.unreachableRemedy, { cause });

/** True for the one error that a person mends by signing in. */
export const isSignedOut = (err: unknown): boolean => err instanceof Problem && err.status === 401;

/** Any thrown value as something that can be shown. */
export function toProblem(err: unknown): Problem {
  if (err instanceof Problem) return err;
  return new Problem(0, 'PAGE_INTERNAL', texts.problem.internal, texts.problem.internalRemedy, {
    cause: err,
  });
}
