import type { Device, DeviceModel, Principal, Ring, RingAssignment, RingPlan, Rollout } from '../domain.ts';
import { computeMembership } from '../membership.ts';
import { newRollout } from './new-rollout.ts';
import { type Order, obey } from './orders.ts';
import { type Snapshot, type Step, snapshotOf } from './snapshot.ts';
import { tick } from './tick.ts';

export const MODEL = 'tiny';
export const OLD = { model: MODEL, version: '1.0.0', digest: `sha256:${'a'.repeat(64)}` };
export const NEW = { model: MODEL, version: '1.1.0', digest: `sha256:${'b'.repeat(64)}` };

export const PLAN: Omit<RingPlan, 'ring'> = {
  bakeMs: 5_000,
  minProven: 1,
  minExercised: 1,
  maxFailureBasisPoints: 500,
  minExecuted: 1,
  maxFailures: 0,
  deadlineMs: 600_000,
  needsApproval: false,
  onFailure: 'rollbackRing',
};

const personOf = (name: string): Principal => ({ kind: 'person', name, role: 'operator' });

export const device = (id: string, change: Partial<Device> = {}): Device => ({
  id,
  labels: {},
  capabilities: null,
  status: 'active',
  isConnected: true,
  enrolledAtMs: 0,
  lastSeenAtMs: 0,
  acceptedGeneration: 1,
  ...change,
});

export const ring = (name: string, ordinal: number, change: Partial<Ring> = {}): Ring => ({
  name,
  ordinal,
  selector: null,
  devices: [],
  shareBasisPoints: null,
  revision: 1,
  ...change,
});

/** A small fleet in memory: what stores, agents and engine do together, without any of them. For tests. */
export class FakeFleet {
  nowMs = 1_000_000;
  rings: readonly Ring[];
  rollout: Rollout;
  readonly devices = new Map<string, Device>();
  readonly models = new Map<string, DeviceModel>();
  readonly assignments = new Map<string, RingAssignment>();
  readonly yanked = new Set<string>();
  readonly events: string[] = [];

  /** Rings by name with their devices; every ring is assigned OLD, proven everywhere. */
  constructor(rings: Readonly<Record<string, readonly string[]>>, plan: Partial<RingPlan> = {}) {
    this.rings = Object.entries(rings).map(([name, devices], ordinal) => ring(name, ordinal, { devices }));
    for (const { name, devices } of this.rings) {
      this.assignments.set(name, this.#assignment(name, OLD));
      for (const id of devices) {
        this.devices.set(id, device(id));
        this.models.set(id, this.#running(id, OLD, { isCommitted: true, isProven: true }));
      }
    }
    const plans = this.rings.map(({ name }) => ({ ...PLAN, ...plan, ring: name }));
    const soak = { soakMs: 1_000, minInferences: 1, deadlineMs: 60_000 };
    this.rollout = newRollout('r-1', NEW, { soak, rings: plans }, personOf('ann'), this.nowMs);
  }

  get snapshot(): Snapshot {
    const devices = [...this.devices.values()];
    return snapshotOf(this.rollout, {
      membership: computeMembership(this.rings, devices),
      devices,
      models: [...this.models.values()],
      assignments: [...this.assignments.values()],
      releases: [OLD, NEW].map((release) => ({
        ...release,
        yankedAtMs: this.yanked.has(release.version) ? 1 : null,
      })),
    });
  }

  /** Lets time pass, then ticks until nothing changes any more. */
  tick(passMs = 0): Step {
    this.nowMs += passMs;
    for (let i = 0; i < 20; i++) {
      const step = tick(this.snapshot, this.nowMs);
      if (step.rollout === this.rollout) return step;
      this.apply(step);
    }
    throw new Error('the tick does not come to rest');
  }

  order(order: Order, by = 'ann'): Step {
    const step = obey(order, this.snapshot, personOf(by), this.nowMs);
    this.apply(step);
    return step;
  }

  apply({ rollout, assignments, removals, events }: Step): void {
    this.rollout = { ...rollout, revision: this.rollout.revision + 1 };
    for (const made of assignments) this.assignments.set(made.ring, { ...made, sinceMs: this.nowMs });
    for (const { ring: name } of removals) this.assignments.delete(name);
    this.events.push(...events.map(({ code }) => code));
  }

  ringState(name: string): string | undefined {
    return this.rollout.rings.find(({ plan }) => plan.ring === name)?.state;
  }

  gate(name: string): string | undefined {
    return this.rollout.rings.find(({ plan }) => plan.ring === name)?.gate?.code;
  }

  assigned(name: string): string | undefined {
    return this.assignments.get(name)?.version;
  }

  set(id: string, change: Partial<DeviceModel>): void {
    this.models.set(id, { ...(this.models.get(id) ?? this.#running(id, OLD)), ...change });
  }

  connect(id: string, isConnected: boolean): void {
    this.devices.set(id, device(id, { isConnected }));
  }

  takesUp(id: string, phase: DeviceModel['phase'] = 'downloading'): void {
    this.set(id, { phase, candidate: { ...NEW, attempt: this.#attempt(id) }, failure: null });
  }

  soaks(id: string): void {
    this.models.set(id, this.#running(id, NEW, { phase: 'soaking' }));
  }

  commits(id: string, change: Partial<DeviceModel> = {}): void {
    this.models.set(id, this.#running(id, NEW, { isCommitted: true, ...change }));
  }

  proves(id: string, change: Partial<DeviceModel> = {}): void {
    this.commits(id, { isProven: true, ...change });
  }

  fails(id: string, code = 'SOAK_FAILURES', phase: DeviceModel['phase'] = 'soaking'): void {
    const candidate = { ...NEW, attempt: this.#attempt(id) };
    const failure = { code, reason: 'because', phase };
    this.models.set(id, this.#running(id, OLD, { isCommitted: true, isProven: true, candidate, failure }));
  }

  #attempt(id: string): number {
    const mine = this.rings.find(({ devices }) => devices.includes(id));
    return this.assignments.get(mine?.name ?? '')?.attempt ?? 1;
  }

  #assignment(name: string, release: typeof OLD): RingAssignment {
    return { ring: name, ...release, attempt: 1, rollout: null, soak: null, sinceMs: 0 };
  }

  #running(id: string, release: typeof OLD, change: Partial<DeviceModel> = {}): DeviceModel {
    return {
      device: id,
      model: MODEL,
      phase: 'idle',
      running: { version: release.version, digest: release.digest, variant: 'int8-cpu' },
      isCommitted: false,
      isUnexercised: false,
      candidate: null,
      failure: null,
      sinceMs: 0,
      updatedAtMs: 0,
      answers: 0,
      failures: 0,
      fallbacks: 0,
      isProven: false,
      ...change,
    };
  }
}
