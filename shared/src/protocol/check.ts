import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { CodedError, type ErrorCode } from '../errors/index.ts';

/** A compiled check of one schema: returns the value with its type, or throws `code` naming the first wrong field. */
export function checkerOf<S extends TSchema>(
  schema: S,
  what: string,
  code: ErrorCode = 'MESSAGE_INVALID',
): (value: unknown) => Static<S> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value as Static<S>;
    const first = validator.Errors(value)[0];
    throw new CodedError(code, `${what}: ${first?.message ?? 'does not match its schema'}`, {
      at: first?.instancePath || '/',
    });
  };
}
