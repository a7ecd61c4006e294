import type { Journey } from '../lab/journeys.ts';
import { UPDATE } from '../lab/journeys.ts';

/** Faults of which one must tell the mutant from the agent; tried in order. */
export interface Trial {
  readonly kind: string;
  readonly states: readonly string[];
  /** Part of what is hit. */
  readonly at?: RegExp;
  /** Of faults at durable steps: the journey, and at most so many of them, spread over it. */
  readonly along?: { readonly journey: Journey; readonly most: number };
}

/** The agent with one safeguard taken out of its sources. */
export interface Mutant {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  /** Occurs once in the file; `to` takes its place. */
  readonly from: string;
  readonly to: string;
  readonly trials: readonly Trial[];
  /** Why nobody can tell it on ext4; then no trial may. */
  readonly equivalent?: string;
}

const along = (kind: string, states: readonly string[], at?: RegExp, most = 3): Trial => ({
  kind,
  states,
  along: { journey: UPDATE, most },
  ...(at ? { at } : {}),
});
const cuts = (states: readonly string[], at?: RegExp, most = 3): Trial =>
  along('power cut', states, at, most);
const LATE = ['preflight', 'activating', 'soaking', 'idle'];
const LOG = /control\.db-wal/;
const held = (at: RegExp): Trial => ({ kind: 'power cut after a hold', states: ['idle'], at });
const lost = (...states: string[]): Trial => ({ kind: 'power cut and lost journal', states });
const loop = (kind: string): Trial => ({ kind, states: ['preflight', 'ready'] });

const ONE_JOURNAL =
  'ext4 commits the changes of all folders together and in order, and a commit of control.db follows before anybody is told';

/** fsyncs, renames, save before act, and what counts starts and their ends. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'fsync of a download',
    file: 'agent/src/adapters/blobs-fs.ts',
    from: 'await file.sync();',
    to: '',
    trials: [cuts(LATE)],
  },
  {
    name: 'rename of a download and of a slot, and of small files',
    file: 'agent/src/adapters/durable-file.ts',
    from: 'await rename(from, to);',
    to: '',
    trials: [cuts(LATE)],
  },
  {
    name: 'fsync of a small file',
    file: 'agent/src/adapters/durable-file.ts',
    from: 'await file.sync();',
    to: '',
    trials: [held(/set/)],
  },
  {
    name: 'fsync of the folder after a rename',
    file: 'agent/src/adapters/durable-file.ts',
    from: 'await syncFolder(dirname(to));',
    to: '',
    trials: [held(/set/), cuts(LATE)],
    equivalent: ONE_JOURNAL,
  },
  {
    name: 'fsync of the folder after a hold was released',
    file: 'agent/src/adapters/hold-file.ts',
    from: 'await syncFolder(dirname(this.#path));',
    to: '',
    trials: [held(/released/)],
    equivalent: ONE_JOURNAL,
  },
  {
    name: 'fsync of the links of a slot',
    file: 'agent/src/adapters/slots-fs.ts',
    from: 'await syncFolder(temporary);',
    to: '',
    trials: [cuts(LATE)],
    equivalent: ONE_JOURNAL,
  },
  {
    name: 'fsync of last-known.json',
    file: 'agent/src/adapters/last-known.ts',
    from: 'fsyncSync(file);',
    to: '',
    trials: [lost('committed', 'soaking')],
  },
  {
    name: 'rename of last-known.json',
    file: 'agent/src/adapters/last-known.ts',
    from: 'renameSync(temporary, this.#path);',
    to: '',
    trials: [lost('committed')],
  },
  {
    name: 'fsync of the folder of last-known.json',
    file: 'agent/src/adapters/last-known.ts',
    from: 'fsyncSync(folder);',
    to: '',
    trials: [lost('committed', 'soaking')],
    equivalent: ONE_JOURNAL,
  },
  {
    name: 'fsync of the journal at each commit',
    file: 'agent/src/adapters/journal-files.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a source.
    from: '`synchronous = ${synchronous}`',
    to: "'synchronous = NORMAL'",
    trials: [cuts(LATE)],
  },
  {
    name: 'rename of a damaged journal',
    file: 'agent/src/adapters/journal-files.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a source.
    from: 'renameSync(`${path}${end}`, `${path}.corrupt${end}`);',
    to: '{}',
    trials: [lost('committed')],
  },
  {
    name: 'save before act',
    file: 'agent/src/supervisor/model-supervisor.ts',
    from: 'await this.#save(state, reports, floor, event.nowMs);',
    to: 'void this.#save(state, reports, floor, event.nowMs);',
    trials: [along('kill', LATE, LOG, 8)],
  },
  {
    name: 'number of telemetry before it is sent',
    file: 'agent/src/adapters/journal-outbox.ts',
    from: 'this.#ledger.numbered(row.row_key, this.#id.start, seq, row.body);',
    to: "if (row.stream !== 'tele') this.#ledger.numbered(row.row_key, this.#id.start, seq, row.body);",
    trials: [along('kill', ['soaking', 'idle'], LOG, 12)],
  },
  {
    name: 'counter of starts',
    file: 'agent/src/adapters/journal-sqlite.ts',
    from: 'this.#essence.known()?.start ?? 0) + 1;',
    to: 'this.#essence.known()?.start ?? 0);',
    trials: [along('kill', ['soaking', 'idle'], LOG)],
  },
  {
    name: 'counter of starts, kept beside the journal',
    file: 'agent/src/adapters/journal-sqlite.ts',
    from: 'this.#essence.known()?.start ?? 0) + 1;',
    to: '0) + 1;',
    trials: [{ kind: 'corrupted journal', states: ['ready', 'soaking', 'preflight'], at: /all of it/ }],
  },
  {
    name: 'counter of boots',
    file: 'agent/src/core/update-setbacks.ts',
    from: 'boots: state.boots + 1',
    to: 'boots: state.boots',
    trials: [loop('boot loop')],
  },
  {
    name: 'counter of power cuts',
    file: 'agent/src/core/update-setbacks.ts',
    from: 'cuts: state.cuts + 1',
    to: 'cuts: state.cuts',
    trials: [loop('power cut loop')],
  },
  {
    name: 'marker of a clean end, when it is set',
    file: 'agent/src/adapters/journal-sqlite.ts',
    from: "this.#meta.set('clean', '1');",
    to: '{}',
    trials: [loop('restart loop')],
  },
  {
    name: 'marker of a clean end, when it is taken back',
    file: 'agent/src/adapters/journal-sqlite.ts',
    from: "meta.set('clean', '0');",
    to: '',
    trials: [loop('boot loop')],
  },
  {
    name: 'start of the machine that is remembered',
    file: 'agent/src/adapters/journal-sqlite.ts',
    from: "meta.set('boot', bootId);",
    to: '',
    trials: [loop('boot loop')],
  },
];
