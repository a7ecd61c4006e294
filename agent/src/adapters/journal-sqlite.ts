import { randomUUID } from 'node:crypto';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Desired } from '../core/assignment-plan.ts';
import { readState } from '../core/update-state.ts';
import type { Opened, OutboxStats, Save } from '../ports/journal.ts';
import { type JournalFiles, openJournalFiles } from './journal-files.ts';
import { ReportLedger } from './journal-ledger.ts';
import { JournalOutbox } from './journal-outbox.ts';
import { TrustDocuments } from './journal-trust.ts';

export interface JournalOptions {
  readonly stateDir: string;
  readonly maxOutboxBytes: number;
}

/** The journal on two SQLite files. Synchronous: it lives in a worker thread, where an fsync delays nobody. */
export class SqliteJournal {
  readonly opened: Opened;
  readonly trust: TrustDocuments;
  readonly #files: JournalFiles;
  readonly #outbox: JournalOutbox;

  /** Throws STATE_DIR_IN_USE, STATE_INVALID. */
  constructor(options: JournalOptions) {
    this.#files = openJournalFiles(options.stateDir);
    try {
      this.opened = this.#open();
      this.trust = new TrustDocuments(this.#files.control, options.stateDir);
      const ledger = new ReportLedger(this.#files.control, this.opened.journal);
      this.#outbox = new JournalOutbox(this.#files, ledger, this.opened, options.maxOutboxBytes);
    } catch (err) {
      this.#files.close();
      throw err;
    }
  }

  save(change: Save): void {
    const { control } = this.#files;
    control.transaction(() => {
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
    })();
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
    this.#setMeta('clean', '1');
    this.#files.close();
  }

  #open(): Opened {
    const { control } = this.#files;
    return control.transaction(() => {
      const journal = this.#meta('journal') ?? randomUUID();
      const start = Number(this.#meta('start') ?? '0') + 1;
      // Nothing has gone wrong before the first start.
      const wasClean = start === 1 || this.#meta('clean') === '1';
      this.#setMeta('journal', journal);
      this.#setMeta('start', String(start));
      this.#setMeta('clean', '0');
      return { journal, start, wasClean, machines: this.#machines(), desired: this.#desired() };
    })();
  }

  #machines(): Opened['machines'] {
    return this.#files.control
      .prepare<[], { state: string }>('SELECT state FROM machines ORDER BY model')
      .all()
      .map((row) => readState(JSON.parse(row.state)));
  }

  #desired(): Desired | null {
    const row = this.#files.control
      .prepare<[], { desired: string }>('SELECT desired FROM accepted_assignment')
      .get();
    return row ? (JSON.parse(row.desired) as Desired) : null;
  }

  #meta(key: string): string | undefined {
    return this.#files.control
      .prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?')
      .get(key)?.value;
  }

  #setMeta(key: string, value: string): void {
    this.#files.control
      .prepare(
        'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      )
      .run(key, value);
  }
}
