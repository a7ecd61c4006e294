import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Desired } from '../core/assignment-plan.ts';
import type { LastEnd } from '../core/update-machine.ts';
import type { Opened, OutboxStats, Save } from '../ports/journal.ts';
import { readBootId } from './boot-id.ts';
import type { Alarm } from './journal-alarm.ts';
import { Essence } from './journal-essence.ts';
import { type JournalFiles, openJournalFiles } from './journal-files.ts';
import { ReportLedger } from './journal-ledger.ts';
import { mendMachines, readMachines } from './journal-machines.ts';
import { JournalMeta } from './journal-meta.ts';
import { JournalOutbox } from './journal-outbox.ts';
import { TrustDocuments } from './journal-trust.ts';

export interface JournalOptions {
  readonly stateDir: string;
  readonly maxOutboxBytes: number;
  /** Of this start of the machine; read from the kernel when absent. */
  readonly bootId?: string;
}

/** The journal on two SQLite files. Synchronous: it lives in a worker thread, where an fsync delays nobody. */
export class SqliteJournal {
  readonly opened: Opened;
  readonly trust: TrustDocuments;
  readonly #files: JournalFiles;
  readonly #meta: JournalMeta;
  readonly #essence: Essence;
  readonly #outbox: JournalOutbox;

  /** Throws STATE_DIR_IN_USE. What is damaged is set aside and made again from what was kept beside it. */
  constructor(options: JournalOptions) {
    this.#files = openJournalFiles(options.stateDir);
    try {
      const { control, setAside } = this.#files;
      this.#meta = new JournalMeta(control);
      this.#essence = new Essence(control, this.#meta, options.stateDir);
      const alarms: Alarm[] = setAside.map(({ name, why }) => ({
        code: 'JOURNAL_CORRUPT',
        message: `${name} could not be read and was set aside: ${why}`,
      }));
      alarms.push(...this.#essence.recover());
      this.opened = this.#open(options.bootId ?? readBootId(), alarms);
      this.trust = new TrustDocuments(control, options.stateDir, (change) => this.#essence.during(change));
      const ledger = new ReportLedger(control, this.opened.journal);
      this.#outbox = new JournalOutbox(this.#files, ledger, this.opened, options.maxOutboxBytes);
      this.#tell(alarms);
    } catch (err) {
      this.#files.close();
      throw err;
    }
  }

  save(change: Save): void {
    const { control } = this.#files;
    const hasEssence = change.state !== undefined || change.floor !== undefined;
    const transaction = hasEssence
      ? this.#essence
      : { during: (work: () => void) => control.transaction(work)() };
    transaction.during(() => {
      if (change.state) {
        control
          .prepare(
            `INSERT INTO machines (model, state, saved_at) VALUES (?, ?, ?)
             ON CONFLICT (model) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at`,
          )
          .run(change.state.model, JSON.stringify(change.state), change.atMs);
      }
      if (change.floor) {
        control
          .prepare(
            `INSERT INTO floors (model, floor) VALUES (?, ?)
             ON CONFLICT (model) DO UPDATE SET floor = MAX(floor, excluded.floor)`,
          )
          .run(change.floor.model, change.floor.floor);
      }
      for (const report of change.reports ?? []) this.#outbox.append(report.stream, report.body, change.atMs);
    });
  }

  writeTelemetry(atMs: number, body: Telemetry): void {
    this.#outbox.appendTelemetry(body, atMs);
  }

  window(limits: { readonly maxRows: number; readonly maxBytes: number }): Envelope[] {
    return this.#outbox.window(limits.maxRows, limits.maxBytes);
  }

  acknowledge(ack: Ack, atMs: number): number {
    return this.#outbox.acknowledge(ack, atMs);
  }

  stats(): OutboxStats {
    return this.#outbox.stats();
  }

  oldest(): Record<Stream, number> {
    const of = (stream: Stream): number => this.#outbox.oldest(stream);
    return { state: of('state'), event: of('event'), tele: of('tele') };
  }

  close(): void {
    this.#meta.set('clean', '1');
    this.#files.close();
  }

  #open(bootId: string, alarms: Alarm[]): Opened {
    const meta = this.#meta;
    const journal = meta.journal();
    const start = Number(meta.get('start') ?? '0') + 1;
    const lastEnd = lastEndOf(start, meta, bootId);
    this.#essence.during(() => {
      meta.set('start', String(start));
      meta.set('clean', '0');
      meta.set('boot', bootId);
      alarms.push(...mendMachines(this.#files.control, this.#essence.known()));
    });
    const machines = readMachines(this.#files.control);
    return { journal, start, lastEnd, machines, desired: this.#desired() };
  }

  #desired(): Desired | null {
    const row = this.#files.control
      .prepare<[], { desired: string }>('SELECT desired FROM accepted_assignment')
      .get();
    return row ? (JSON.parse(row.desired) as Desired) : null;
  }

  #tell(alarms: readonly Alarm[]): void {
    if (alarms.length === 0) return;
    const nowMs = Date.now();
    const reports = alarms.map(({ code, message }) => ({
      stream: 'event' as const,
      body: { kind: 'alert' as const, severity: 'error' as const, code, message: message.slice(0, 1000) },
    }));
    this.save({ atMs: nowMs, reports });
  }
}

/** Nothing has gone wrong before the first start. An unknown boot is taken for the same one, the stricter reading. */
function lastEndOf(start: number, meta: JournalMeta, bootId: string): LastEnd {
  if (start === 1 || meta.get('clean') === '1') return 'clean';
  const before = meta.get('boot') ?? '';
  return before !== '' && bootId !== '' && before !== bootId ? 'powerCut' : 'crash';
}
