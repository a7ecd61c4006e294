import type { Ack, Stream } from '@ringfleet/shared/protocol';
import type { ControlDatabase } from './control-database.ts';

/** As many sequences as one file of a bundle holds: three streams of the newest starts. */
const MAX_SEQUENCES = 256;
const MAX_QUARANTINED = 256;

interface HeadRow {
  readonly journal: string;
  readonly start: number;
  readonly stream: Stream;
  readonly stored_up_to: number;
}

/** What has been settled of the journal that a device speaks of, as it is answered to a batch. */
export function acknowledgementsOf(db: ControlDatabase): (device: string) => readonly Ack[] {
  const heads = db.prepare<[string], HeadRow>(
    `SELECT h.journal, h.start, h.stream, h.stored_up_to FROM report_heads h JOIN devices d ON d.id = h.device
     WHERE h.device = ? AND h.journal = d.journal ORDER BY h.start DESC LIMIT ${MAX_SEQUENCES}`,
  );
  const quarantined = db.prepare<[string, string, number, string, number], { seq: number; code: string }>(
    `SELECT seq, min(code) AS code FROM quarantined_reports
     WHERE device = ? AND journal = ? AND start = ? AND stream = ? AND code <> 'REPORT_CONFLICT' AND seq <= ?
     GROUP BY seq ORDER BY seq DESC LIMIT ${MAX_QUARANTINED}`,
  );
  return (device) =>
    heads.all(device).map(({ journal, start, stream, stored_up_to: storedUpTo }) => ({
      v: 1,
      ...{ journal, start, stream, storedUpTo },
      quarantined: quarantined.all(device, journal, start, stream, storedUpTo),
    }));
}
