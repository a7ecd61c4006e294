import type { AssignedModel } from '@ringfleet/shared/trust';
import type { UpdateEvent } from './update-machine.ts';
import type { Job, UpdateState } from './update-state.ts';

/** What an accepted assignment asks for: director and publishers agree on every model of it. */
export interface Desired {
  readonly generation: number;
  readonly models: readonly AssignedModel[];
}

/**
 * The events that bring every model's machine towards the assignment. Machines ignore what they already do, so the plan
 * is simply made again after each transition: that is how an assignment takes effect that came during a trial.
 */
export function planOf(
  desired: Desired,
  states: readonly UpdateState[],
  nowMs: number,
): readonly { readonly model: string; readonly event: UpdateEvent }[] {
  const { generation } = desired;
  const wanted = new Set(desired.models.map((one) => one.model));
  return [
    ...desired.models.map((one) => ({
      model: one.model,
      event: { type: 'assigned' as const, job: jobOf(one, generation), nowMs },
    })),
    ...states
      .filter((state) => !wanted.has(state.model))
      .map((state) => ({ model: state.model, event: { type: 'unassigned' as const, generation, nowMs } })),
  ];
}

function jobOf(one: AssignedModel, generation: number): Job {
  return {
    version: one.version,
    digest: one.digest,
    manifestBytes: one.manifestLength,
    releaseCounter: one.releaseCounter,
    minReleaseCounter: one.minReleaseCounter,
    variants: [...one.variants],
    attempt: one.attempt,
    generation,
    ...(one.rollout ? { rollout: one.rollout } : {}),
    soakMs: one.soakMs,
    minInferences: one.minInferences,
    soakDeadlineMs: one.soakDeadlineMs,
    installBefore: one.installBefore,
    ...(one.hold ? { hold: true } : {}),
    ...(one.urgent ? { urgent: true } : {}),
    ...(one.window ? { window: one.window } : {}),
    ...(one.maxBytesPerSecond ? { maxBytesPerSecond: one.maxBytesPerSecond } : {}),
    ...(one.shadow ? { shadow: one.shadow } : {}),
    ...(one.limits ? { limits: one.limits } : {}),
  };
}
