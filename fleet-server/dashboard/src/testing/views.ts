import type { Device, DeviceModel, Overview, Rollout, RolloutRing } from '../views.ts';

/** Views for unit tests: healthy unless told otherwise. */
export function deviceModel(over: Partial<DeviceModel> = {}): DeviceModel {
  const digest = `sha256:${'a'.repeat(64)}`;
  return {
    device: 'dev-1',
    model: 'tiny',
    phase: 'idle',
    running: { version: '1.0.0', digest, variant: 'int8-cpu' },
    isCommitted: true,
    isUnexercised: false,
    candidate: null,
    failure: null,
    sinceMs: 0,
    updatedAtMs: 0,
    answers: 10,
    failures: 0,
    fallbacks: 0,
    isProven: true,
    desired: { version: '1.0.0', digest, rollout: null },
    blockedBy: null,
    ...over,
  };
}

export function device(over: Partial<Device> = {}): Device {
  return {
    id: 'dev-1',
    ring: 'fleet',
    rings: ['fleet'],
    labels: {},
    facts: null,
    status: 'active',
    isConnected: true,
    via: 'mqtt',
    lastSeenAtMs: 0,
    enrolledAtMs: 0,
    generation: 1,
    acceptedGeneration: 1,
    hold: null,
    models: [deviceModel({ device: over.id ?? 'dev-1' })],
    ...over,
  };
}

export function overview(total: number, over: Partial<Overview> = {}): Overview {
  return {
    devices: { total, connected: total },
    rollouts: { active: 0, halted: 0 },
    releases: [],
    serverTimeMs: 0,
    fleet: 'acme',
    version: '0.1.0',
    ...over,
  };
}

export function rolloutRing(name: string, over: Partial<RolloutRing> = {}): RolloutRing {
  return {
    plan: {
      ring: name,
      bakeMs: 1_000,
      minProven: 1,
      minExercised: 1,
      maxFailureBasisPoints: 500,
      minExecuted: 1,
      maxFailures: 0,
      deadlineMs: 60_000,
      needsApproval: false,
      onFailure: 'rollbackRing',
    },
    state: 'waiting',
    openedAtMs: null,
    closedAtMs: null,
    previous: null,
    gate: null,
    ...over,
  };
}

export function rollout(over: Partial<Rollout> = {}): Rollout {
  return {
    id: '0190b6a2-0000-7000-8000-000000000001',
    model: 'tiny',
    version: '1.1.0',
    digest: `sha256:${'b'.repeat(64)}`,
    state: 'completed',
    reason: null,
    reasonCode: null,
    soak: { soakMs: 1_000, minInferences: 1, deadlineMs: 60_000 },
    rings: [rolloutRing('canary'), rolloutRing('fleet')],
    createdAtMs: 0,
    createdBy: 'admin',
    endedAtMs: null,
    revision: 1,
    ...over,
  };
}
