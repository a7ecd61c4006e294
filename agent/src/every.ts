import { systemClock } from './adapters/system-clock.ts';

const PERIOD_LOOK_MS = 5_000;

/** Does a job now and then once per period, until the signal. The period is looked at while it runs, because it can be changed. */
export async function every(
  periodMs: () => number,
  job: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await job();
    const doneMs = performance.now();
    for (let leftMs = periodMs(); leftMs > 0 && !signal.aborted; ) {
      await systemClock.sleep(Math.min(leftMs, PERIOD_LOOK_MS), signal);
      leftMs = doneMs + periodMs() - performance.now();
    }
  }
}
