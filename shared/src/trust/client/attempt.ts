import { CodedError } from '../../errors/index.ts';

/** Null when a stored document does not hold any more: it is fetched anew then. */
export function attempt<T>(step: () => T): T | null {
  try {
    return step();
  } catch (err) {
    if (err instanceof CodedError) return null;
    throw err;
  }
}
