import type { Stream } from '@ringfleet/shared/protocol';

/** Something that was wrong with `count` reports of a device, whether they are kept or not. */
export interface IntakeNote {
  readonly device: string;
  readonly code: string;
  readonly count: number;
  readonly atMs: number;
  /** Of the newest of them, at most 1 000 characters. */
  readonly reason: string;
}

/** What was wrong with reports of one device, for one reason. */
export interface ReportTally {
  readonly code: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Of the newest. */
  readonly reason: string;
}

/** The same over all devices. */
export interface TallyOfFleet {
  readonly code: string;
  readonly count: number;
  readonly devices: number;
  readonly lastAtMs: number;
}

/** Numbers of one sequence that have not come, although later ones are here. */
export interface ReportGap {
  readonly journal: string;
  readonly start: number;
  readonly stream: Stream;
  /** The first that is missing. */
  readonly fromSeq: number;
  readonly missing: number;
}

/** A report that the server keeps aside. */
export interface QuarantinedReport {
  readonly device: string;
  readonly journal: string;
  readonly start: number;
  readonly stream: Stream;
  readonly seq: number;
  readonly code: string;
  readonly reason: string;
  readonly receivedAtMs: number;
}
