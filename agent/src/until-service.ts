import type { Clock } from './ports/clock.ts';
import { askStatus } from './supervisor/control-server.ts';

/** The service looks for its identity every two seconds, and then opens its journal. */
const LIMIT_MS = 10_000;
const LOOK_MS = 200;

/**
 * Resolves when the agent answers at `control`, true, or when it has not for ten seconds, false: after an enrollment the next
 * command of a person should find the service at work. Nothing depends on it.
 */
export async function untilServiceAnswers(
  control: string,
  clock: Pick<Clock, 'nowMs' | 'sleep'>,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = clock.nowMs() + LIMIT_MS;
  while (!signal.aborted && clock.nowMs() < deadlineMs) {
    const isThere = await askStatus(control).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
    await clock.sleep(LOOK_MS, signal);
  }
  return false;
}
