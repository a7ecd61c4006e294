import type { Random } from './random.ts';

export const FAULTS = [
  'message lost',
  'message doubled',
  'message late',
  'device died before a save',
  'device died after a save',
  'device died between files',
  'device lost its power',
  'heartbeat lost with the power',
  'agent killed by a release',
  'release failed preflight',
  'release failed in soak',
  'release regressed',
  'release does not fit',
  'download corrupt',
  'slot rotten',
  'disk full',
  'device offline',
  'clock jumped',
  'window closed',
  'held at the device',
  'held by the server',
  'device revoked',
  'device joined late',
  'server died',
  'server restored from backup',
  'tick on an old look',
  'paused',
  'resumed',
  'approved',
  'aborted',
  'superseded',
  'assigned past the rollout',
  'assigned below the floor',
  'model removed',
  'yanked',
  'floor raised',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How often each fault happened. */
export class FaultCounts {
  readonly counts = new Map<Fault, number>();

  note(fault: Fault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }
}

/** How bad this history is: each kind of trouble may be absent, rare or frequent, so that each is also met alone. */
export interface Trouble {
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
  /** Of each durable step of a device. */
  readonly death: number;
  readonly corrupt: number;
  /** Mean time between, ms; 0: never. */
  readonly offlineEveryMs: number;
  readonly diskFullEveryMs: number;
  readonly clockEveryMs: number;
  readonly rotEveryMs: number;
  readonly windowEveryMs: number;
  readonly serverDeathEveryMs: number;
  /** Share of the server's deaths after which it comes back from a backup. */
  readonly restored: number;
  readonly orderEveryMs: number;
}

const MINUTE_MS = 60_000;

export function troubleOf(random: Random): Trouble {
  const rate = (...values: readonly number[]): number => random.pick(values);
  const every = (...minutes: readonly number[]): number => random.pick(minutes) * MINUTE_MS;
  return {
    lost: rate(0, 0, 0.05, 0.3),
    doubled: rate(0, 0.05, 0.3),
    late: rate(0, 0.05, 0.3),
    death: rate(0, 0.002, 0.01, 0.03),
    corrupt: rate(0, 0.01, 0.1),
    offlineEveryMs: every(0, 60, 240),
    diskFullEveryMs: every(0, 0, 240),
    clockEveryMs: every(0, 0, 240),
    rotEveryMs: every(0, 0, 600),
    windowEveryMs: every(0, 0, 120),
    serverDeathEveryMs: every(0, 30, 120),
    restored: rate(0, 0.2, 0.5),
    orderEveryMs: every(5, 20, 60),
  };
}
