import type { Device, DeviceModel, Release, RingAssignment, Rollout } from '../domain.ts';
import type { Membership } from '../membership.ts';
import type { NewEvent } from './events.ts';

/** Everything one step of one rollout is decided from, read at about the same time. */
export interface Snapshot {
  readonly rollout: Rollout;
  readonly membership: Membership;
  readonly devices: ReadonlyMap<string, Device>;
  /** Of the rollout's model, by device. */
  readonly models: ReadonlyMap<string, DeviceModel>;
  /** Of the rollout's model, by ring. */
  readonly assignments: ReadonlyMap<string, RingAssignment>;
  /** Versions of the model that were yanked: no ring can be given one of them any more. */
  readonly yanked: ReadonlySet<string>;
}

export type NewAssignment = Omit<RingAssignment, 'sinceMs'>;

/** What a step does, to be saved in one transaction. The same `rollout` object as before: nothing to do. */
export interface Step {
  readonly rollout: Rollout;
  readonly assignments: readonly NewAssignment[];
  /** Rings that ran nothing of the model before, and shall again. */
  readonly removals: readonly { readonly ring: string; readonly model: string }[];
  readonly events: readonly NewEvent[];
}

export interface FleetState {
  readonly membership: Membership;
  readonly devices: readonly Device[];
  readonly models: readonly DeviceModel[];
  readonly assignments: readonly RingAssignment[];
  readonly releases: readonly Pick<Release, 'model' | 'version' | 'yankedAtMs'>[];
}

/** The part of the fleet's state that concerns one rollout. */
export function snapshotOf(rollout: Rollout, fleet: FleetState): Snapshot {
  const { model } = rollout;
  return {
    rollout,
    membership: fleet.membership,
    devices: new Map(fleet.devices.map((device) => [device.id, device])),
    models: new Map(fleet.models.filter((m) => m.model === model).map((m) => [m.device, m])),
    assignments: new Map(fleet.assignments.filter((a) => a.model === model).map((a) => [a.ring, a])),
    yanked: new Set(
      fleet.releases.filter((r) => r.model === model && r.yankedAtMs !== null).map((r) => r.version),
    ),
  };
}

export const nothingToDo = (rollout: Rollout): Step => ({
  rollout,
  assignments: [],
  removals: [],
  events: [],
});

export const isActive = (rollout: Rollout): boolean =>
  rollout.state === 'running' || rollout.state === 'paused';
