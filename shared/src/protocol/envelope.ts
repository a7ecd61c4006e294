import { type Static, Type } from 'typebox';
import { Count, EpochMs, Uuid } from './ids.ts';

export const Stream = Type.Union([Type.Literal('state'), Type.Literal('event'), Type.Literal('tele')]);
export type Stream = Static<typeof Stream>;
export const STREAMS: readonly Stream[] = ['state', 'event', 'tele'];

/**
 * Names one report for ever, together with the device: journal (a new one when the disk was lost), start counter
 * (grows durably at every agent start), stream and sequence number (1, 2, 3 … per stream and start, given at first send).
 */
export const ReportId = Type.Object({ journal: Uuid, start: Count, stream: Stream, seq: Count });
export type ReportId = Static<typeof ReportId>;

/** Every report on `up/state`, `up/event` and `up/tele`. `at` is the device's clock when the row was written. */
export const Envelope = Type.Object({ v: Type.Literal(1), id: ReportId, at: EpochMs, body: Type.Unknown() });
export type Envelope = Static<typeof Envelope>;

/** A dropped, already numbered row: keeps the sequence without holes. Stands in place of `body`. */
export const Tombstone = Type.Object({
  tombstone: Type.Object({ droppedAt: EpochMs, reason: Type.String({ maxLength: 200 }) }),
});
export type Tombstone = Static<typeof Tombstone>;
