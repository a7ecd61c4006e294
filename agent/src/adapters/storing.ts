import { CodedError } from '@ringfleet/shared/errors';
import { isUnwritable } from './journal-files.ts';

/** Work on files of the state folder. Throws STATE_NOT_WRITABLE where the disk takes no writes: that is no fault of a release. */
export async function storing<T>(at: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isUnwritable(cause)) throw cause;
    throw new CodedError('STATE_NOT_WRITABLE', cause instanceof Error ? cause.message : String(cause), {
      cause,
      at,
    });
  }
}
