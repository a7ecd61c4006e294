import type { ReportId, Telemetry } from '@ringfleet/shared/protocol';
import type { Database } from 'better-sqlite3';
import type { RollUps } from './roll-ups.ts';
import type { NewRow, TelemetryRows } from './telemetry-rows.ts';

export interface Beat {
  readonly device: string;
  readonly row: NewRow;
  /** What of it counts by time; null for a tombstone: it is a row and counts nothing. */
  readonly body: Telemetry | null;
}

export interface TelemetryWriter {
  /**
   * Stores what is not there yet and adds it to the counts by time: one transaction, so neither is ever without the other.
   * Answers, for each, the hash under which its key was there already, or null.
   */
  insert(beats: readonly Beat[]): readonly (Buffer | null)[];
  sha256(device: string, id: ReportId): Buffer | null;
}

export function telemetryWriter(db: Database, rows: TelemetryRows, rollUps: RollUps): TelemetryWriter {
  const insertAll = db.transaction((beats: readonly Beat[]) => {
    const known = beats.map(({ device, row }) => rows.insert(device, row));
    const fresh = beats.filter((_, i) => known[i] === null);
    rollUps.add(
      fresh.flatMap(({ device, row, body }) =>
        body ? [{ device, body, receivedAtMs: row.receivedAtMs }] : [],
      ),
    );
    return known;
  });
  return {
    insert(beats) {
      if (beats.length === 0) return [];
      try {
        return insertAll.immediate(beats);
      } catch (err) {
        // Tables that were made in this transaction are gone with it.
        rows.forget();
        rollUps.forget();
        throw err;
      }
    },
    sha256: rows.sha256,
  };
}
