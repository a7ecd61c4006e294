import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Desired } from '../core/assignment-plan.ts';
import type { LastEnd } from '../core/update-machine.ts';
import type { Report } from '../core/update-reports.ts';
import type { UpdateState } from '../core/update-state.ts';

/** What was there when the journal was opened. */
export interface Opened {
  /** Names this journal for ever; a new one when the disk was lost. */
  readonly journal: string;
  /** Grows durably at every open. */
  readonly start: number;
  /** How the last start ended; `clean` only with `close`. */
  readonly lastEnd: LastEnd;
  /** The disk takes no writes: what is proven is served, state cannot be saved, reports are kept in memory. */
  readonly isVolatile: boolean;
  readonly machines: readonly UpdateState[];
  readonly desired: Desired | null;
}

/** All of it is on disk when the promise resolves, or none of it. */
export interface Save {
  readonly atMs: number;
  readonly state?: UpdateState;
  readonly reports?: readonly Report[];
  /** Raises the model's floor; a lower value changes nothing. */
  readonly floor?: { readonly model: string; readonly floor: number };
}

export interface OutboxStats {
  readonly rows: number;
  readonly bytes: number;
  /** Since this start. */
  readonly dropped: number;
}

/**
 * The agent's memory: update machines, accepted assignment, floors and the outbox. Reports are rows before they are sent
 * and stay until the server said that it stored or quarantined them. One method is one transaction.
 */
export interface Journal {
  save(change: Save): Promise<void>;
  /**
   * Telemetry may be lost by a power cut within the last moments, and merges when the outbox is full. `isPrompt` says that it
   * can be sent at once: where nothing else waits it gets its number here, which costs a card half as much.
   */
  writeTelemetry(atMs: number, body: Telemetry, isPrompt?: boolean): Promise<void>;
  /**
   * The oldest waiting reports, per stream in order: state and events before telemetry. A report gets its number here and
   * keeps it: the number is on disk when the promise resolves.
   */
  window(limits: { readonly maxRows: number; readonly maxBytes: number }): Promise<readonly Envelope[]>;
  /** Forgets what the server took. Idempotent; answers how many rows went. */
  acknowledge(ack: Ack, atMs: number): Promise<number>;
  stats(): Promise<OutboxStats>;
  /** Lowest number per stream that still waits; where none does, the next one to be given: all below were acknowledged. */
  oldest(): Promise<Readonly<Record<Stream, number>>>;
  /** The newest state report that the server has said to have stored; null before the first. */
  lastStored(): Promise<{ readonly start: number; readonly seq: number } | null>;
  /** Marks a clean end and closes. */
  close(): Promise<void>;
}
