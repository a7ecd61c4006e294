import type { Ack, Envelope, Telemetry } from '@ringfleet/shared/protocol';
import type { AcceptedAssignment } from '@ringfleet/shared/trust';
import Sqlite, { type Database } from 'better-sqlite3';
import { ReportLedger } from '../../agent/src/adapters/journal-ledger.ts';
import { readMachines } from '../../agent/src/adapters/journal-machines.ts';
import { JournalMeta } from '../../agent/src/adapters/journal-meta.ts';
import { migrate } from '../../agent/src/adapters/journal-migrations.ts';
import { JournalOutbox } from '../../agent/src/adapters/journal-outbox.ts';
import type { Desired } from '../../agent/src/core/assignment-plan.ts';
import type { LastEnd } from '../../agent/src/core/update-events.ts';
import type { UpdateState } from '../../agent/src/core/update-state.ts';
import type { Opened, Save } from '../../agent/src/ports/journal.ts';
import { remembering } from './remembering.ts';

export const WINDOW_ROWS = 32;
const MAX_OUTBOX_BYTES = 24 * 1024;

/** The two databases of a device: what is left of it when it has no power. */
export interface JournalDisk {
  readonly control: Database;
  readonly tele: Database;
}

let templates: { readonly control: Buffer; readonly tele: Buffer } | null = null;

/** New, empty databases; migrated once per process, because that costs more than all else of a device. */
export function newJournalDisk(journal: string): JournalDisk {
  templates ??= { control: migrated('control'), tele: migrated('tele') };
  const disk = { control: remembering(templates.control), tele: remembering(templates.tele) };
  new JournalMeta(disk.control).set('journal', journal);
  return disk;
}

function migrated(which: 'control' | 'tele'): Buffer {
  const db = new Sqlite(':memory:');
  migrate(db, which);
  return db.serialize();
}

/** One start of the agent on its disk: the production outbox, ledger and machines, on SQLite in memory. */
export class SimJournal {
  readonly opened: Opened;
  readonly outbox: JournalOutbox;
  readonly #disk: JournalDisk;

  constructor(disk: JournalDisk, lastEnd: LastEnd) {
    this.#disk = disk;
    const meta = new JournalMeta(disk.control);
    const journal = meta.journal();
    const start = Number(meta.get('start') ?? '0') + 1;
    meta.set('start', String(start));
    const machines = readMachines(disk.control);
    const desired = this.#row()?.desired;
    this.opened = {
      journal,
      start,
      lastEnd: start === 1 ? 'clean' : lastEnd,
      isVolatile: false,
      machines,
      desired: desired ? (JSON.parse(desired) as Desired) : null,
    };
    const ledger = new ReportLedger(disk.control, journal);
    const files = { ...disk, setAside: [], volatile: null, close: () => undefined };
    this.outbox = new JournalOutbox(files, ledger, this.opened, MAX_OUTBOX_BYTES);
  }

  /** As SqliteJournal: state, floor and reports in one transaction. */
  save(change: Save): void {
    const { control } = this.#disk;
    control.transaction(() => {
      if (change.state) this.#saveState(change.state, change.atMs);
      if (change.floor) {
        control
          .prepare(
            `INSERT INTO floors (model, floor) VALUES (?, ?)
             ON CONFLICT (model) DO UPDATE SET floor = MAX(floor, excluded.floor)`,
          )
          .run(change.floor.model, change.floor.floor);
      }
      for (const report of change.reports ?? []) this.outbox.append(report.stream, report.body, change.atMs);
    })();
  }

  accept(accepted: AcceptedAssignment, desired: Desired, atMs: number): void {
    this.#disk.control
      .prepare(
        `INSERT OR REPLACE INTO accepted_assignment (id, accepted, desired, document, accepted_at)
         VALUES (1, ?, ?, '', ?)`,
      )
      .run(JSON.stringify(accepted), JSON.stringify(desired), atMs);
  }

  accepted(): AcceptedAssignment | null {
    const text = this.#row()?.accepted;
    return text ? (JSON.parse(text) as AcceptedAssignment) : null;
  }

  floors(): Map<string, number> {
    const rows = this.#disk.control
      .prepare<[], { model: string; floor: number }>('SELECT model, floor FROM floors')
      .all();
    return new Map(rows.map((row) => [row.model, row.floor]));
  }

  /** As on a device that is not connected: the way of heartbeats that can be sent at once is not played. */
  writeTelemetry(atMs: number, body: Telemetry): void {
    this.outbox.appendTelemetry(body, atMs, false);
  }

  window(): Envelope[] {
    return this.outbox.window(WINDOW_ROWS, 64 * 1024);
  }

  acknowledge(ack: Ack, atMs: number): number {
    return this.outbox.acknowledge(ack, atMs);
  }

  #saveState(state: UpdateState, atMs: number): void {
    this.#disk.control
      .prepare(
        `INSERT INTO machines (model, state, saved_at) VALUES (?, ?, ?)
         ON CONFLICT (model) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at`,
      )
      .run(state.model, JSON.stringify(state), atMs);
  }

  #row(): { accepted: string; desired: string } | undefined {
    return this.#disk.control
      .prepare<[], { accepted: string; desired: string }>('SELECT accepted, desired FROM accepted_assignment')
      .get();
  }
}
