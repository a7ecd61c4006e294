import type { Step } from '../core/telemetry/buckets.ts';
import type { ModelCounts } from '../core/telemetry/model-counts.ts';

/** What a device's counts are merged by: its ring, the label `site`, and arch with the provider that answers. Empty: none. */
export interface TelemetryGroup {
  readonly ring: string;
  readonly site: string;
  readonly hardware: string;
}

export interface TelemetryRange {
  readonly model: string;
  /** Buckets that begin within [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Merged counts of one release in one group, in one bucket. */
export interface GroupBucket extends TelemetryGroup {
  readonly digest: string;
  readonly version: string;
  readonly startMs: number;
  readonly counts: ModelCounts;
}

/** Merged counts of one release on one device, in one bucket or over a whole range. */
export interface DeviceBucket {
  readonly device: string;
  readonly digest: string;
  readonly version: string;
  readonly startMs: number;
  readonly counts: ModelCounts;
}

/**
 * Counts of heartbeats by time. Ingest writes them together with the heartbeat (ReportStore); everything here reads
 * beside it and never keeps it waiting.
 */
export interface TelemetryStore {
  /** Which group each device counts to from now on. */
  setGroups(groups: ReadonlyMap<string, TelemetryGroup>): Promise<void>;
  byGroup(query: TelemetryRange & { step: Step }): Promise<readonly GroupBucket[]>;
  /** Of one device, by bucket, oldest first. */
  ofDevice(
    query: TelemetryRange & { device: string; step: Exclude<Step, 'slot'> },
  ): Promise<readonly DeviceBucket[]>;
  /** Of every device that counted anything, summed over the range; `startMs` is that of its first bucket. */
  byDevice(
    query: TelemetryRange & { digest?: string | undefined; step: Exclude<Step, 'slot'> },
  ): Promise<readonly DeviceBucket[]>;
  /** Takes away what is past its time, in small parts; ends early when the signal says so. */
  dropOld(nowMs: number, signal: AbortSignal): Promise<void>;
}
