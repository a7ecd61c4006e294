import type { JournalFiles } from './journal-files.ts';
import type { ReportLedger } from './journal-ledger.ts';
import { type Row, setNumber } from './journal-rows.ts';

/** After a power cut tele.db may have forgotten numbers, removals or whole rows that control.db remembers. */
export function reconcile({ control, tele }: JournalFiles, ledger: ReportLedger): void {
  const known = new Map(ledger.openTelemetry().map((one) => [one.rowKey, one]));
  const rows = tele.prepare<[], Row>('SELECT * FROM outbox').all();
  const sent = control.prepare<[], { row_key: string }>('SELECT row_key FROM outbox').all();
  const here = new Set([...rows, ...sent].map((row) => row.row_key));
  const isSettled = control.prepare<[string], { outcome: string | null }>(
    'SELECT outcome FROM report_ledger WHERE row_key = ?',
  );
  tele.transaction(() => {
    for (const row of rows) {
      const entry = known.get(row.row_key);
      if (entry?.start != null && entry.seq !== null && row.seq === null) {
        setNumber(tele, row.id, entry.start, entry.seq);
      }
      const outcome = isSettled.get(row.row_key)?.outcome;
      if (outcome != null && outcome !== 'dropped')
        tele.prepare('DELETE FROM outbox WHERE id = ?').run(row.id);
    }
  })();
  control.transaction(() => {
    for (const entry of known.values()) {
      if (!here.has(entry.rowKey)) ledger.settled(entry.rowKey, 'gone', 0);
    }
  })();
}
