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
  // Made only when it is needed: an error writes its stack down, which costs more than the rest of this function.
  let over: CodedError | undefined;
  const timer = setTimeout(() => {
    over = new CodedError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`);
    abort.abort(over);
  }, deadlineMs);
  onStart(() => abort.abort(new CodedError('ABORTED')));
  try {
    return await work(abort.signal);
  } catch (err) {
    const isOver = over !== undefined && abort.signal.reason === over;
    throw isOver && codeOf(err, 'SERVING_INTERNAL') === 'ABORTED' ? over : err;
  } finally {
    clearTimeout(timer);
  }
}
