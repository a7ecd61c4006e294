import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LastEnd } from '../core/update-machine.ts';
import type { UpdateState } from '../core/update-state.ts';
import type { Save } from '../ports/journal.ts';
import { SqliteJournal } from './journal-sqlite.ts';

let dir: string;
let open: SqliteJournal[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-damage-'));
  open = [];
});
afterEach(() => {
  for (const one of open) one.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(bootId = 'boot-1', stateDir = dir): SqliteJournal {
  const journal = new SqliteJournal({ stateDir, maxOutboxBytes: 1e6, bootId });
  open.push(journal);
  return journal;
}
function stop(journal: SqliteJournal): void {
  journal.close();
  open = open.filter((one) => one !== journal);
}
const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const release = (n: number) => ({ version: `1.${n}.0`, digest: digest(n), variant: 'cpu', attempt: 0 });
const idle = (n: number): UpdateState => ({
  v: 2,
  model: 'tiny',
  phase: 'idle',
  sinceMs: 5,
  generation: n,
  failed: [{ digest: digest(9), attempt: 0 }],
  previous: release(n - 1),
  isUnexercised: false,
  committed: release(n),
});
const commit = (n: number): Save => ({ atMs: n, state: idle(n), floor: { model: 'tiny', floor: n } });
const codes = (journal: SqliteJournal): string[] =>
  journal.window({ maxRows: 100, maxBytes: 1e6 }).map((one) => (one.body as { code: string }).code);
function floor(): unknown {
  const db = new Sqlite(join(dir, 'control.db'), { readonly: true });
  try {
    return db.prepare('SELECT floor FROM floors').pluck().get();
  } finally {
    db.close();
  }
}

/** A state folder with two commits behind it and everything in the database file. */
function withCommits(): void {
  const journal = start();
  journal.save(commit(2));
  journal.save(commit(3));
  stop(journal);
}
const damage: Readonly<Record<string, (path: string) => void>> = {
  garbage: (path) => writeFileSync(path, 'garbage '.repeat(10_000)),
  'zeroed pages': (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length)),
  'a truncated file': (path) => truncateSync(path, 3 * 4096 + 7),
  'an empty file': (path) => truncateSync(path, 0),
  'a missing file': (path) => rmSync(path),
  'garbage from the second page on': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4096);
    writeFileSync(path, bytes);
  },
};

describe('a damaged journal', () => {
  it.each(Object.keys(damage))('is rebuilt with its proven releases and floors: %s', (kind) => {
    withCommits();
    damage[kind]?.(join(dir, 'control.db'));
    const journal = start();
    expect(journal.opened.machines).toMatchObject([
      { phase: 'idle', committed: release(3), previous: release(2), failed: [{ digest: digest(9) }] },
    ]);
    expect(floor()).toBe(3);
    expect(codes(journal)).toContain('STATE_REBUILT');
    journal.save(commit(4));
    stop(journal);
    expect(start().opened.machines).toMatchObject([{ committed: release(4) }]);
  });

  it('is set aside once, and its log is never replayed into the new one', () => {
    withCommits();
    damage['garbage']?.(join(dir, 'control.db'));
    writeFileSync(join(dir, 'control.db-wal'), 'rubbish');
    const journal = start();
    expect(readFileSync(join(dir, 'control.db.corrupt'), 'utf8')).toMatch(/^garbage/);
    expect(codes(journal)).toEqual(['JOURNAL_CORRUPT', 'STATE_REBUILT']);
    stop(journal);
    damage['garbage']?.(join(dir, 'control.db'));
    start();
    expect(existsSync(join(dir, 'control.db.corrupt.corrupt'))).toBe(false);
  });

  it.each(Object.keys(damage))('loses no more than telemetry when tele.db is hit: %s', (kind) => {
    withCommits();
    damage[kind]?.(join(dir, 'tele.db'));
    const journal = start();
    expect(journal.opened.machines).toMatchObject([{ committed: release(3) }]);
    journal.writeTelemetry(1, {} as never);
    expect(journal.stats().rows).toBeGreaterThan(0);
  });

  it('that is an older copy is brought forward, and its floor is not believed', () => {
    const journal = start();
    journal.save(commit(2));
    stop(journal);
    const old = join(dir, 'old.db');
    copyFileSync(join(dir, 'control.db'), old);
    const again = start();
    again.save(commit(3));
    again.save(commit(4));
    stop(again);
    copyFileSync(old, join(dir, 'control.db'));
    expect(start().opened.machines).toMatchObject([{ committed: release(4) }]);
    expect(floor()).toBe(4);
  });

  it.each(['control.db', 'the last start in it'])(
    'sends no heartbeat again that the server may have, when %s is lost',
    (what) => {
      stop(start());
      const old = join(dir, 'old.db');
      copyFileSync(join(dir, 'control.db'), old);
      const last = start();
      last.writeTelemetry(1, {} as never);
      expect(last.window({ maxRows: 100, maxBytes: 1e6 })).toHaveLength(1);
      // As a kill leaves it: the number that was given stands in control.db only.
      for (const end of ['', '-wal']) copyFileSync(join(dir, `tele.db${end}`), join(dir, `kept${end}`));
      stop(last);
      for (const end of ['', '-wal']) copyFileSync(join(dir, `kept${end}`), join(dir, `tele.db${end}`));
      if (what === 'control.db') damage['garbage']?.(join(dir, 'control.db'));
      else copyFileSync(old, join(dir, 'control.db'));
      const streams = start()
        .window({ maxRows: 100, maxBytes: 1e6 })
        .map(({ id }) => id.stream);
      expect(streams).not.toContain('tele');
    },
  );

  it('that has forgotten its last start does not use that number again', () => {
    stop(start());
    const old = join(dir, 'old.db');
    copyFileSync(join(dir, 'control.db'), old);
    const last = start();
    stop(last);
    copyFileSync(old, join(dir, 'control.db'));
    expect(start().opened.start).toBe(last.opened.start + 1);
  });

  it('that is cut off at every start before it has saved is not taken for an older one', () => {
    withCommits();
    const old = join(dir, 'old.db');
    copyFileSync(join(dir, 'control.db'), old);
    for (let i = 0; i < 3; i += 1) {
      stop(start());
      copyFileSync(old, join(dir, 'control.db'));
    }
    expect(codes(start())).toEqual([]);
  });

  it('goes on alone when what was kept beside it is damaged, and mends that', () => {
    withCommits();
    writeFileSync(join(dir, 'last-known.json'), 'rubbish');
    const journal = start();
    expect(journal.opened.machines).toMatchObject([{ committed: release(3) }]);
    expect(codes(journal)).toEqual([]);
    stop(journal);
    damage['garbage']?.(join(dir, 'control.db'));
    expect(start().opened.machines).toMatchObject([{ committed: release(3) }]);
  });

  it('starts empty, and says so, when both are gone', () => {
    withCommits();
    damage['garbage']?.(join(dir, 'control.db'));
    writeFileSync(join(dir, 'last-known.json'), 'rubbish');
    const journal = start();
    expect(journal.opened.machines).toEqual([]);
    expect(codes(journal)).toEqual(['JOURNAL_CORRUPT']);
  });

  it('with one state that cannot be read, of a newer agent for instance, rebuilds that one', () => {
    withCommits();
    const db = new Sqlite(join(dir, 'control.db'));
    db.prepare("UPDATE machines SET state = json_set(state, '$.v', 99)").run();
    db.close();
    const journal = start();
    expect(journal.opened.machines).toMatchObject([{ v: 2, phase: 'idle', committed: release(3) }]);
    expect(codes(journal)).toEqual(['STATE_REBUILT']);
  });
});

describe('the end of the last start', () => {
  /** Copies the files as they are while the agent runs: what a kill or a power cut leaves. */
  function pulled(): string {
    const copy = mkdtempSync(join(tmpdir(), 'rf-damage-'));
    for (const name of ['control.db', 'control.db-wal', 'tele.db', 'tele.db-wal', 'last-known.json'])
      copyFileSync(join(dir, name), join(copy, name));
    return copy;
  }

  it.each<[string, string, LastEnd]>([
    ['the machine is another start of itself', 'boot-2', 'powerCut'],
    ['the machine went on', 'boot-1', 'crash'],
    ['nobody knows', '', 'crash'],
  ])('without its marker: %s', (_, bootId, lastEnd) => {
    start().save(commit(2));
    const copy = pulled();
    const journal = start(bootId, copy);
    expect(journal.opened.lastEnd).toBe(lastEnd);
    expect(journal.opened.machines).toMatchObject([{ committed: release(2) }]);
    stop(journal);
    rmSync(copy, { recursive: true, force: true });
  });

  it('was clean with its marker, whatever happened to the machine afterwards', () => {
    stop(start());
    expect(start('boot-2').opened.lastEnd).toBe('clean');
  });
});
