import { CodedError } from '@ringfleet/shared/errors';
import type { Clock } from '../ports/clock.ts';

export interface Limit {
  readonly limitMs: number;
  readonly what: string;
  readonly clock: Clock;
  /** When it is aborted, its end is waited for all the same. */
  readonly isWaitedFor?: boolean;
}

/** Work that waits for nobody but this machine, with a limit far above what it needs. Throws STEP_TIMED_OUT, ABORTED. */
export async function within<T>(
  { limitMs, what, clock, isWaitedFor = false }: Limit,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  const running = work(AbortSignal.any([signal, over.signal]));
  const late = clock.sleep(limitMs, AbortSignal.any([signal, done.signal])).then(() => {
    if (done.signal.aborted || (signal.aborted && isWaitedFor)) return running;
    if (signal.aborted) throw new CodedError('ABORTED');
    over.abort();
    throw new CodedError('STEP_TIMED_OUT', `${what} took longer than ${limitMs / 60_000} min`);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    done.abort();
  }
}
