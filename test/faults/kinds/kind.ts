import type { Lab } from '../lab/bench.ts';
import type { Device } from '../lab/device.ts';

/** One fault: where the machine was, which durable operation it hit or what else it was, and how it went. */
export interface CaseResult {
  readonly kind: string;
  readonly state: string;
  /** The operation or thing that was hit. Two cases of a kind never have the same state and operation. */
  readonly at: string;
  /** Signal, errno or trace line that shows that it happened; null when it did not. */
  readonly proof: string | null;
  /** The release that serves in the end. */
  readonly version: string;
  /** What did not hold; empty when all did. */
  readonly flaws: readonly string[];
  readonly servingMs: number | null;
  readonly tookMs: number;
}

/** A fault that is still to happen. */
export interface Fault {
  readonly kind: string;
  /** As far as it is known before; the result tells where it really was. */
  readonly state: string;
  readonly at: string;
  run(device: Device): Promise<Omit<CaseResult, 'kind' | 'tookMs'>>;
}

/** Faults of one or more kinds. */
export interface FaultFamily {
  readonly kinds: readonly string[];
  /** Looks what there is to be hurt. */
  faults(lab: Lab, device: Device): Promise<readonly Fault[]>;
}
