import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import type { Clock } from '../ports/clock.ts';
import type { DiskWatch } from './disk-watch.ts';

const RETRY_MS = 2_000;

export interface OnceWritableOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Pick<Logger, 'warn'>;
  readonly disk: DiskWatch;
  /** Names the writer. */
  readonly what: string;
}

/**
 * Does work that may be begun anew, again and again for as long as the disk takes no writes: a full or failing disk holds an
 * update, and the release is not given up for it. Throws what else goes wrong, and STATE_NOT_WRITABLE once the signal is aborted.
 */
export async function onceWritable<T>(
  work: () => Promise<T>,
  { clock, log, disk, what }: OnceWritableOptions,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      const result = await work();
      disk.worked(what);
      return result;
    } catch (err) {
      const isHeld = err instanceof CodedError && err.code === 'STATE_NOT_WRITABLE';
      if (!isHeld || signal.aborted) {
        disk.worked(what);
        throw err;
      }
      disk.failed(what, err);
      log.warn({ err, code: err.code, component: 'update' }, 'the disk takes no writes, the step waits');
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
