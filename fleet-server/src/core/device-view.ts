import type { Capabilities } from '@ringfleet/shared/protocol';
import { type BlockedBy, blockedBy } from './blocked-by.ts';
import { type DesiredModel, desiredModels } from './desired.ts';
import type { Device, DeviceHold, DeviceModel, RingAssignment, Rollout } from './domain.ts';
import { type Membership, ringsOf } from './membership.ts';
import type { Terms } from './terms.ts';

export interface DeviceModelView extends DeviceModel {
  readonly desired: {
    readonly version: string;
    readonly digest: string;
    readonly rollout: string | null;
    readonly terms?: Terms | null;
  } | null;
  readonly blockedBy: BlockedBy | null;
}

/** A device as people see it: who it is, what it should run, what it runs, and why those differ. */
export interface DeviceView {
  readonly id: string;
  readonly ring: string | null;
  /** Every ring that claims it, the one it is in first. */
  readonly rings: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly facts: Capabilities | null;
  readonly status: Device['status'];
  readonly isConnected: boolean;
  /** `http`: its site lets no MQTT through, so that news reach it when it asks. */
  readonly via: 'mqtt' | 'http' | null;
  readonly lastSeenAtMs: number | null;
  readonly enrolledAtMs: number;
  /** Of the newest assignment the server made for it; 0 before the first. */
  readonly generation: number;
  readonly acceptedGeneration: number;
  readonly hold: DeviceHold | null;
  readonly models: readonly DeviceModelView[];
}

export interface DeviceViewInput {
  readonly device: Device;
  readonly membership: Membership;
  readonly assignments: readonly RingAssignment[];
  /** At least those of this device. */
  readonly models: readonly DeviceModel[];
  /** The newest of each model is enough. */
  readonly rollouts: readonly Rollout[];
  readonly generation: number;
}

/** Assembles the view of one device: every model that it runs or should run. */
export function deviceView(input: DeviceViewInput): DeviceView {
  const { device, membership, assignments, generation } = input;
  const desired = desiredModels(device, membership, assignments);
  const states = input.models.filter((state) => state.device === device.id);
  const names = new Set([...states, ...desired].map(({ model }) => model));
  const { id, labels, status, isConnected, lastSeenAtMs, enrolledAtMs, acceptedGeneration } = device;
  return {
    id,
    ring: membership.ringOf.get(id) ?? null,
    rings: ringsOf(membership, id),
    labels,
    facts: device.capabilities,
    status,
    isConnected,
    via: device.via ?? null,
    lastSeenAtMs,
    enrolledAtMs,
    generation,
    acceptedGeneration,
    hold: device.hold ?? null,
    models: [...names].toSorted().map((model) =>
      modelView(
        input,
        model,
        states.find((state) => state.model === model),
        desired.find((wanted) => wanted.model === model) ?? null,
      ),
    ),
  };
}

/** The newest rollout of a model, by creation; ids are UUIDv7 and break the tie. */
export function newestRollout(rollouts: readonly Rollout[], model: string): Rollout | null {
  const [newest] = rollouts
    .filter((rollout) => rollout.model === model)
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
  return newest ?? null;
}

function modelView(
  { device, membership, rollouts }: DeviceViewInput,
  model: string,
  state: DeviceModel | undefined,
  desired: DesiredModel | null,
): DeviceModelView {
  const ring = membership.ringOf.get(device.id) ?? null;
  const rollout = newestRollout(rollouts, model);
  return {
    ...(state ?? nothingKnown(device, model)),
    desired: desired && {
      version: desired.version,
      digest: desired.digest,
      rollout: desired.rollout,
      terms: desired.terms ?? null,
    },
    blockedBy: blockedBy({ device, ring, model, desired, state, rollout }),
  };
}

const nothingKnown = (device: Device, model: string): DeviceModel => ({
  device: device.id,
  model,
  phase: 'empty',
  running: null,
  isCommitted: false,
  isUnexercised: false,
  candidate: null,
  failure: null,
  waiting: null,
  sinceMs: device.enrolledAtMs,
  updatedAtMs: device.enrolledAtMs,
  answers: 0,
  failures: 0,
  fallbacks: 0,
  isProven: false,
});
