import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openJournalFiles } from './journal-files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-migrate-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const NAMES = 'SELECT name FROM migrations ORDER BY number';

it('records what it applied, once, also in a database that knew only the highest number', () => {
  const first = openJournalFiles(dir);
  const names = first.control.prepare(NAMES).all();
  expect(names).toContainEqual({ name: '0001-first.sql' });
  first.control.exec('DROP TABLE migrations');
  first.close();
  for (let i = 0; i < 2; i += 1) {
    const again = openJournalFiles(dir);
    expect(again.control.prepare(NAMES).all()).toEqual(names);
    again.close();
  }
});

it('applies a file that comes later with a lower number than the highest', () => {
  const first = openJournalFiles(dir);
  first.tele.pragma('user_version = 99');
  first.tele.exec('DELETE FROM migrations; DROP TABLE outbox');
  first.close();
  const again = openJournalFiles(dir);
  expect(again.tele.prepare('SELECT count(*) AS n FROM outbox').get()).toEqual({ n: 0 });
  expect(again.tele.pragma('user_version', { simple: true })).toBe(99);
  again.close();
});
