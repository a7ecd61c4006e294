import { CodedError } from '@ringfleet/shared/errors';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Desired } from '../core/assignment-plan.ts';
import type { LastEnd } from '../core/update-machine.ts';
import type { Opened, OutboxStats, Save } from '../ports/journal.ts';
import { readBootId } from './boot-id.ts';
import type { Alarm } from './journal-alarm.ts';
import { Essence } from './journal-essence.ts';
import { isUnwritable, type JournalFiles, openJournalFiles, openVolatileFiles } from './journal-files.ts';
import type { Forgotten } from './journal-forgotten.ts';
import { ReportLedger } from './journal-ledger.ts';
import { mendMachines, readMachines } from './journal-machines.ts';
import { JournalMeta } from './journal-meta.ts';
import { JournalOutbox } from './journal-outbox.ts';
import { TrustDocuments } from './journal-trust.ts';
import { LastKnownFile } from './last-known.ts';

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

  /** Throws STATE_DIR_IN_USE, and what the disk says on a first start. What is damaged is set aside and made again from what was kept beside it. */
  constructor(options: JournalOptions) {
    const { stateDir } = options;
    this.#files = openFiles(stateDir);
    try {
      const { control, setAside, volatile } = this.#files;
      this.#meta = new JournalMeta(control);
      this.#essence = new Essence(control, this.#meta, new LastKnownFile(stateDir, volatile !== null));
      const alarms: Alarm[] = setAside.map(({ name, why }) => ({
        code: 'JOURNAL_CORRUPT',
        message: `${name} could not be read and was set aside: ${why}`,
      }));
      const rebuilt = this.#essence.recover();
      if (volatile === null) alarms.push(...rebuilt);
      else alarms.push({ code: 'STATE_NOT_WRITABLE', message: notWritable(volatile) });
      const forgotten = this.#forgotten();
      this.opened = this.#open(options.bootId ?? readBootId(), alarms);
      this.trust = new TrustDocuments(control, stateDir, (change) => this.#essence.during(change));
      const ledger = new ReportLedger(control, this.opened.journal);
      const maxBytes = volatile === null ? options.maxOutboxBytes : MAX_VOLATILE_BYTES;
      this.#outbox = new JournalOutbox(this.#files, ledger, this.opened, maxBytes, forgotten);
      this.#tell(alarms);
    } catch (err) {
      this.#files.close();
      throw err;
    }
  }

  save(change: Save): void {
    const { control, volatile } = this.#files;
    const hasEssence = change.state !== undefined || change.floor !== undefined;
    if (hasEssence && volatile !== null) throw new CodedError('STATE_NOT_WRITABLE', notWritable(volatile));
    const transaction = hasEssence
      ? this.#essence
      : { during: (work: () => void) => control.transaction(work)() };
    const work = (): void => {
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
    };
    this.#outbox.whole(() => transaction.during(work));
  }

  writeTelemetry(atMs: number, body: Telemetry, isPrompt = false): void {
    this.#outbox.appendTelemetry(body, atMs, isPrompt);
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

  lastStored(): { start: number; seq: number } | null {
    return this.#outbox.lastStored();
  }

  oldest(): Record<Stream, number> {
    const of = (stream: Stream): number => this.#outbox.oldest(stream);
    return { state: of('state'), event: of('event'), tele: of('tele') };
  }

  close(): void {
    // A disk that takes nothing: the next start sends once more what was taken last, and takes this end for a crash.
    ifWritable(() => this.#outbox.flush());
    ifWritable(() => this.#files.volatile === null && this.#meta.set('clean', '1'));
    this.#files.close();
  }

  #open(bootId: string, alarms: Alarm[]): Opened {
    const meta = this.#meta;
    const journal = meta.journal();
    // A journal that has lost its newest pages may name a start that was used: its report numbers would come twice.
    const start = Math.max(Number(meta.get('start') ?? '0'), this.#essence.known()?.start ?? 0) + 1;
    const lastEnd = lastEndOf(meta, bootId);
    this.#essence.during(() => {
      meta.set('start', String(start));
      meta.set('clean', '0');
      meta.set('boot', bootId);
      alarms.push(...mendMachines(this.#files.control, this.#essence.known()));
    });
    const machines = readMachines(this.#files.control);
    const isVolatile = this.#files.volatile !== null;
    return { journal, start, lastEnd, isVolatile, machines, desired: this.#desired() };
  }

  #forgotten(): Forgotten {
    const start = this.#meta.get('start');
    if (start === undefined) return 'journal';
    return Number(start) < (this.#essence.known()?.start ?? 0) ? 'starts' : 'nothing';
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

const MAX_VOLATILE_BYTES = 4 * 1024 * 1024;

const notWritable = (why: string): string =>
  `the state folder cannot be written (${why}): nothing is updated`;

/** On a disk that takes no writes, what is known to be proven is served from memory. */
function openFiles(stateDir: string): JournalFiles {
  try {
    return openJournalFiles(stateDir);
  } catch (err) {
    if (!isUnwritable(err) || new LastKnownFile(stateDir).read() === null) throw err;
    return openVolatileFiles(stateDir, err instanceof Error ? err.message : String(err));
  }
}

/** Nothing has gone wrong before the first start. An unknown boot is taken for the same one, the stricter reading. */
function lastEndOf(meta: JournalMeta, bootId: string): LastEnd {
  if (meta.get('start') === undefined || meta.get('clean') === '1') return 'clean';
  const before = meta.get('boot') ?? '';
  return before !== '' && bootId !== '' && before !== bootId ? 'powerCut' : 'crash';
}

function ifWritable(write: () => unknown): void {
  try {
    write();
  } catch (err) {
    if (!isUnwritable(err)) throw err;
  }
}
