import type { Database } from 'better-sqlite3';
import { readState } from '../core/update-state.ts';
import type { Alarm } from './journal-alarm.ts';
import { restedState } from './journal-machines.ts';
import type { JournalMeta } from './journal-meta.ts';
import type { LastKnown, LastKnownFile } from './last-known.ts';

type Content = Omit<LastKnown, 'v' | 'revision' | 'time'>;

/** Where TrustedTimeSqlite keeps its time. */
const TIME_KEY = 'trusted-time';

/**
 * Keeps `last-known.json` beside the journal: what a damaged journal is rebuilt from, so that no floor is lowered and no
 * proven release forgotten. The file is written inside the transaction, before its commit, and only when it changes.
 */
export class Essence {
  readonly #db: Database;
  readonly #meta: JournalMeta;
  readonly #file: LastKnownFile;
  #written: string;
  #known: LastKnown | null;

  constructor(db: Database, meta: JournalMeta, file: LastKnownFile) {
    this.#db = db;
    this.#meta = meta;
    this.#file = file;
    this.#known = this.#file.read();
    this.#written = this.#known ? textOf(this.#known) : '';
  }

  /** What the file says, or said when it was read. */
  known(): LastKnown | null {
    return this.#known;
  }

  /** Runs a change of the journal as one transaction, with the file brought up to date in it, or made where it is missing. */
  during(change: () => void): void {
    this.#db.transaction(() => {
      change();
      this.#keep();
    })();
  }

  /**
   * Puts back what a journal has lost. Normally file and journal have the same revision, or the file is one ahead because
   * the power went before the commit; further ahead, the journal is an old or a new one.
   */
  recover(): readonly Alarm[] {
    const known = this.#known;
    const revision = Number(this.#meta.get('revision') ?? '0');
    if (!known || known.revision <= revision + 1) return [];
    this.#db.transaction(() => this.#restore(known))();
    const models = known.models.map(({ model, committed }) => `${model} ${committed?.version ?? 'empty'}`);
    const message = `the journal was at revision ${revision} of ${known.revision}; rebuilt from last-known.json: ${models.join(', ') || 'no model'}`;
    return [{ code: 'STATE_REBUILT', message }];
  }

  #keep(): void {
    const content = this.#content();
    const text = JSON.stringify(content);
    if (text === this.#written) return;
    // Never further ahead than by the change that was not committed, however often it is cut off.
    const revision = Number(this.#meta.get('revision') ?? '0') + 1;
    const time = this.#meta.get(TIME_KEY);
    const known: LastKnown = { v: 1, revision, ...content, ...(time === undefined ? {} : { time }) };
    this.#file.write(known);
    this.#meta.set('revision', String(revision));
    this.#written = text;
    this.#known = known;
  }

  #content(): Content {
    const models = this.#db
      .prepare<[], { state: string }>('SELECT state FROM machines ORDER BY model')
      .all()
      .flatMap((row) => provenIn(row.state));
    const floors = this.#db
      .prepare<[], LastKnown['floors'][number]>('SELECT model, floor FROM floors ORDER BY model')
      .all();
    const assignment =
      this.#db
        .prepare<[], NonNullable<LastKnown['assignment']>>(
          'SELECT accepted, desired, document, accepted_at FROM accepted_assignment',
        )
        .get() ?? null;
    const trust = this.#db
      .prepare<[], LastKnown['trust'][number]>(
        'SELECT role, version, document, stored_at FROM trust_documents ORDER BY role, version',
      )
      .all();
    return { start: Number(this.#meta.get('start') ?? '0'), models, floors, assignment, trust };
  }

  #restore({ revision, models, floors, assignment, trust, time }: LastKnown): void {
    const db = this.#db;
    for (const proven of models) {
      db.prepare('INSERT OR REPLACE INTO machines (model, state, saved_at) VALUES (?, ?, 0)').run(
        proven.model,
        JSON.stringify(restedState(proven)),
      );
    }
    for (const { model, floor } of floors) {
      db.prepare(
        `INSERT INTO floors (model, floor) VALUES (?, ?)
         ON CONFLICT (model) DO UPDATE SET floor = MAX(floor, excluded.floor)`,
      ).run(model, floor);
    }
    if (assignment) {
      db.prepare(
        `INSERT OR REPLACE INTO accepted_assignment (id, accepted, desired, document, accepted_at)
         VALUES (1, @accepted, @desired, @document, @accepted_at)`,
      ).run(assignment);
    }
    for (const document of trust) {
      db.prepare(
        `INSERT OR REPLACE INTO trust_documents (role, version, document, stored_at)
         VALUES (@role, @version, @document, @stored_at)`,
      ).run(document);
    }
    if (time !== undefined) this.#meta.set(TIME_KEY, time);
    this.#meta.set('revision', String(revision));
  }
}

/** What a saved machine has proven; nothing of one that cannot be read. */
function provenIn(saved: string): LastKnown['models'] {
  try {
    const { model, generation, committed, previous, failed, isUnexercised } = readState(JSON.parse(saved));
    return [{ model, generation, committed, previous, failed, isUnexercised }];
  } catch {
    // Told when the machines are read at start.
    return [];
  }
}

const textOf = ({ v: _, revision: __, time: ___, ...content }: LastKnown): string => JSON.stringify(content);
