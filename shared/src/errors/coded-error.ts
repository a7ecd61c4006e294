import { CATALOG, type ErrorCode } from './catalog.ts';

/**
 * The one error class of the product: a code of the catalogue, what was wrong in this case, and where.
 * The code's class, sentence and remedy come from the catalogue.
 */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  /** Where: a JSON pointer, a path, a flag or a topic. */
  readonly at: string | undefined;

  /** `message` says what was wrong in this case; without one the catalogue's sentence stands. */
  constructor(code: ErrorCode, message?: string, options?: ErrorOptions & { at?: string }) {
    super(message ?? CATALOG[code].sentence, options);
    this.code = code;
    this.at = options?.at;
  }
}

/** The code of a thrown value, or `fallback` when it carries none. */
export function codeOf(err: unknown, fallback: ErrorCode): ErrorCode {
  return err instanceof CodedError ? err.code : fallback;
}
