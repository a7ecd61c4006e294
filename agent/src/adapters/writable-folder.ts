import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import { writeDurably } from './durable-file.ts';

const LOOK_MS = 30_000;
/** A journal needs more than a byte to open. */
const PROBE = Buffer.alloc(256 * 1024);

/** Resolves true when the folder takes writes again, false when the signal is aborted. */
export async function untilWritable(
  dir: string,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<boolean> {
  const path = join(dir, 'write-probe');
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal);
    try {
      await writeDurably(path, PROBE);
      return !signal.aborted;
    } catch {
      // Not yet.
    } finally {
      await rm(path, { force: true }).catch(() => undefined);
    }
  }
  return false;
}
