import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteJournal } from './journal-sqlite.ts';

let stateDir: string;
let journal: SqliteJournal;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'ringfleet-outbox-'));
  journal = new SqliteJournal({ stateDir, maxOutboxBytes: 1e6 });
});
afterEach(async () => {
  journal.close();
  await rm(stateDir, { recursive: true });
});

const event = (message: string) => ({
  stream: 'event' as const,
  body: { kind: 'alert' as const, severity: 'error' as const, code: 'RUNNER_GONE', message },
});

it('counts nothing of a change that was taken back', () => {
  const circular = event('b') as { stream: 'event'; body: { data?: unknown } };
  circular.body.data = circular;
  expect(() => journal.save({ atMs: 1, reports: [event('a'), circular as never] })).toThrow();
  expect(journal.stats()).toMatchObject({ rows: 0, bytes: 0 });
  journal.save({ atMs: 2, reports: [event('a')] });
  expect(journal.stats()).toMatchObject({ rows: 1, bytes: JSON.stringify(event('a').body).length });
  expect(journal.window({ maxRows: 9, maxBytes: 1e6 }).map(({ id }) => id.seq)).toEqual([1]);
});
