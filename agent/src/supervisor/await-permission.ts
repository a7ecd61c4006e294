import { whyWaiting } from '../core/permission.ts';
import type { UpdateEvent } from '../core/update-machine.ts';
import { type Job, keyOf } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { UpdatePolicy } from '../ports/update-policy.ts';

const LOOK_MS = 30_000;

export interface PermissionOptions {
  readonly policy: UpdatePolicy;
  readonly clock: Clock;
  /** The terms of today: a newer assignment of the same try may have changed them. */
  readonly job: () => Job | null;
  readonly say: (event: UpdateEvent) => void;
  readonly nudged: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Why a step may not be taken now; null when it may. */
export function waitingFor(step: 'start' | 'activate', job: Job, { policy, clock }: PermissionOptions) {
  const { windows, calendar } = policy;
  return whyWaiting({
    step,
    job,
    hold: policy.hold(),
    windows,
    nowMs: clock.nowMs(),
    nextStart: (window, afterMs) => calendar.nextStart(window, afterMs),
  });
}

/** Resolves when holds and windows let the step be taken, or the signal is aborted. What it waits for is said once. */
export async function untilPermitted(
  step: 'start' | 'activate',
  first: Job,
  options: PermissionOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const job = options.job() ?? first;
    const waiting = waitingFor(step, job, options);
    if (!waiting) return;
    const nowMs = options.clock.nowMs();
    options.say({ type: 'waits', key: keyOf(job), waiting, nowMs });
    const untilMs = waiting.untilMs ?? Number.POSITIVE_INFINITY;
    await options.nudged(Math.max(100, Math.min(LOOK_MS, untilMs - nowMs)), signal);
  }
}
