import type { Capabilities, Phase, RunningDigest } from '@ringfleet/shared/protocol';
import type { Terms } from './terms.ts';

/** A person, a token or the server itself; every route and every change names one. */
export interface Principal {
  readonly kind: 'person' | 'token' | 'device' | 'system';
  readonly name: string;
  readonly role: Role;
  /** The person whose token it is; absent where that is nobody who is known by name. */
  readonly owner?: string;
}
export type Role = 'viewer' | 'operator' | 'publisher' | 'admin';

export interface Device {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: Capabilities | null;
  readonly status: 'active' | 'revoked' | 'cloned' | 'decommissioned';
  readonly isConnected: boolean;
  /** How; absent or null while it is not connected. */
  readonly via?: 'mqtt' | 'http' | null;
  readonly enrolledAtMs: number;
  readonly lastSeenAtMs: number | null;
  /** Of the last assignment the device said it accepted. */
  readonly acceptedGeneration: number;
  /** Nothing new is to start or go live there. */
  readonly hold?: DeviceHold | null;
}

/** Who said that a device is left as it is, and why. */
export interface DeviceHold {
  readonly reason: string;
  readonly by: string;
  readonly sinceMs: number;
}

/** What the server knows of one model on one device: the last state report and the last heartbeat together. */
export interface DeviceModel {
  readonly device: string;
  readonly model: string;
  readonly phase: Phase;
  readonly running: RunningDigest | null;
  readonly isCommitted: boolean;
  readonly isUnexercised: boolean;
  /** The release the machine is busy with, or the last one it refused or rolled back. */
  readonly candidate: { readonly version: string; readonly digest: string; readonly attempt: number } | null;
  readonly failure: { readonly code: string; readonly reason: string; readonly phase: Phase } | null;
  /** What keeps the candidate from going on although nothing failed: a hold, a closed window. */
  readonly waiting?: { readonly code: string; readonly reason: string; readonly until?: number } | null;
  /** When this phase began, device clock. */
  readonly sinceMs: number;
  readonly updatedAtMs: number;
  /** Since the running release was activated, summed from heartbeats and soak evidence. */
  readonly answers: number;
  readonly failures: number;
  readonly fallbacks: number;
  /** True once a heartbeat written after the commit showed this running digest: DESIGN §2 "proven". */
  readonly isProven: boolean;
}

export interface Ring {
  readonly name: string;
  /** Rings are ordered by this, lowest first. */
  readonly ordinal: number;
  /** Kubernetes label-selector grammar over labels and `fact.*`; null matches nothing by itself. */
  readonly selector: string | null;
  /** Explicit members, besides the selector. */
  readonly devices: readonly string[];
  /** Share in basis points (1..10000) of the devices that no earlier ring took; null: all that match. */
  readonly shareBasisPoints: number | null;
  readonly revision: number;
}

/** What a ring should run of one model. The one truth that device assignments are derived from. */
export interface RingAssignment {
  readonly ring: string;
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly attempt: number;
  readonly rollout: string | null;
  /** Device-side soak of this assignment; null: the device's defaults. */
  readonly soak: SoakPlan | null;
  readonly terms?: Terms | null;
  readonly sinceMs: number;
}

export interface SoakPlan {
  readonly soakMs: number;
  readonly minInferences: number;
  readonly deadlineMs: number;
}

export interface Release {
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly variants: readonly string[];
  readonly description: string;
  readonly publishedAtMs: number;
  readonly publishedBy: string;
  readonly yankedAtMs: number | null;
}

export interface RingPlan {
  readonly ring: string;
  readonly bakeMs: number;
  readonly minProven: number;
  readonly minExercised: number;
  /** FAIL when failed / executed exceeds this, in basis points, once `minExecuted` devices executed. */
  readonly maxFailureBasisPoints: number;
  readonly minExecuted: number;
  /** FAIL as soon as more devices than this failed. */
  readonly maxFailures: number;
  readonly deadlineMs: number;
  readonly needsApproval: boolean;
  readonly onFailure: 'pause' | 'rollbackRing' | 'rollbackAll';
  readonly terms?: Terms;
}

export interface RolloutPlan {
  readonly soak: SoakPlan;
  readonly rings: readonly RingPlan[];
}

export type RolloutState =
  | 'running'
  | 'paused'
  | 'halted'
  | 'aborted'
  | 'superseded'
  | 'completed'
  | 'completedWithStragglers';
export type RingState = 'waiting' | 'open' | 'passed' | 'failed' | 'rolledBack';

export interface GateResult {
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  /** One sentence for a person: why this verdict. */
  readonly sentence: string;
  readonly code: string;
  readonly counts: GateCounts;
  /** What this many clean devices can and cannot show, in words. */
  readonly claim: string;
  readonly atMs: number;
}

export interface GateCounts {
  readonly members: number;
  readonly executed: number;
  readonly proven: number;
  readonly exercised: number;
  readonly failed: number;
  readonly regressed: number;
  readonly unreached: number;
  readonly incompatible: number;
  readonly infra: number;
}

export interface RolloutRing {
  readonly plan: RingPlan;
  readonly state: RingState;
  readonly openedAtMs: number | null;
  readonly closedAtMs: number | null;
  /** What the ring ran before it opened; null when it ran nothing of this model. */
  readonly previous: {
    readonly version: string;
    readonly digest: string;
    readonly attempt?: number;
    readonly terms?: Terms | null;
  } | null;
  readonly gate: GateResult | null;
  /** Since when everything but the bake has been fulfilled without a break; absent or null: not now. */
  readonly bakingSinceMs?: number | null;
  /** Where the gate's deadline counts from, when not from the opening: the last resume or reopening. */
  readonly deadlineFromMs?: number | null;
  /** Failures that a person has seen and resumed after: they stay counted, but only a new one stops the rollout. */
  readonly acknowledged?: readonly { readonly device: string; readonly attempt: number }[];
  readonly approvedBy?: string | null;
}

export interface Rollout {
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly state: RolloutState;
  /** Why it is in this state, one sentence; null while all is as planned. */
  readonly reason: string | null;
  readonly reasonCode: string | null;
  readonly soak: SoakPlan;
  readonly rings: readonly RolloutRing[];
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** The person behind `createdBy`; null: nobody known. Rollouts of earlier versions have only the name. */
  readonly createdByPerson?: string | null;
  readonly endedAtMs: number | null;
  readonly revision: number;
}

/** One row of the events table: what SSE sends and timelines show. */
export interface FleetEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly kind: 'device' | 'state' | 'rollout' | 'release' | 'ring' | 'alert' | 'trust';
  /** Constant code, for instance DEVICE_STATE, ROLLOUT_RING_OPENED, ROLLOUT_HALTED. */
  readonly code: string;
  readonly sentence: string;
  readonly device: string | null;
  readonly model: string | null;
  readonly rollout: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
