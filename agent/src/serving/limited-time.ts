import { CodedError, codeOf } from '@ringfleet/shared/errors';

/**
 * Runs work that gets a signal: aborted when the time is over or `giveUp` is called. Throws DEADLINE_EXCEEDED for the
 * first, and what the work throws otherwise.
 */
export async function limitedTime<T>(
  deadlineMs: number,
  onStart: (giveUp: () => void) => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const over = new CodedError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`);
  const timer = setTimeout(() => abort.abort(over), deadlineMs);
  onStart(() => abort.abort(new CodedError('ABORTED')));
  try {
    return await work(abort.signal);
  } catch (err) {
    throw abort.signal.reason === over && codeOf(err, 'SERVING_INTERNAL') === 'ABORTED' ? over : err;
  } finally {
    clearTimeout(timer);
  }
}
