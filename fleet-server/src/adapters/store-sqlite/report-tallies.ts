import type { IntakeNote, ReportGap, ReportTally, TallyOfFleet } from '../../ports/intake.ts';
import type { ControlDatabase } from './control-database.ts';

export interface ReportTallies {
  /** Inside the caller's transaction. */
  add(note: IntakeNote): void;
  of(device: string): readonly ReportTally[];
  ofFleet(): readonly TallyOfFleet[];
  gaps(device: string): readonly ReportGap[];
}

const MOST_GAPS = 256;

/** What was wrong with reports, counted by device and code. */
export function reportTallies(db: ControlDatabase): ReportTallies {
  const add = db.prepare(
    `INSERT INTO report_tallies (device, code, count, first_at_ms, last_at_ms, reason)
     VALUES (@device, @code, @count, @atMs, @atMs, @reason) ON CONFLICT (device, code) DO UPDATE SET
     count = count + excluded.count, last_at_ms = max(last_at_ms, excluded.last_at_ms), reason = excluded.reason`,
  );
  const of = db.prepare<[string], ReportTally>(
    `SELECT code, count, first_at_ms AS firstAtMs, last_at_ms AS lastAtMs, reason FROM report_tallies
     WHERE device = ? ORDER BY last_at_ms DESC, code`,
  );
  const ofFleet = db.prepare<[], TallyOfFleet>(
    `SELECT code, sum(count) AS count, count(*) AS devices, max(last_at_ms) AS lastAtMs FROM report_tallies
     GROUP BY code ORDER BY count DESC, code`,
  );
  // What is settled beyond a head is there; what lies between has not come.
  const gaps = db.prepare<[string], ReportGap>(
    `SELECT i.journal, i.start, i.stream, h.stored_up_to + 1 AS fromSeq,
       max(i.seq) - h.stored_up_to - count(*) AS missing
     FROM report_islands i JOIN report_heads h USING (device, journal, start, stream)
     WHERE i.device = ? GROUP BY i.journal, i.start, i.stream ORDER BY i.start DESC, i.stream LIMIT ${MOST_GAPS}`,
  );
  return {
    add({ reason, ...note }) {
      add.run({ ...note, reason: reason.slice(0, 1_000) });
    },
    of: (device) => of.all(device),
    ofFleet: () => ofFleet.all(),
    gaps: (device) => gaps.all(device),
  };
}
